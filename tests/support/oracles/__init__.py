"""What PyTorch and Keras compute: the table of what is compared, the comparison's problem, and the
recordings of both for machines that have neither.
"""
