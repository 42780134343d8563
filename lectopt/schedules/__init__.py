"""Schedules: a learning rate, or any other number, as a function of the count of updates."""

from lectopt.schedules.combining import join as join
from lectopt.schedules.combining import lambda_schedule as lambda_schedule
from lectopt.schedules.combining import relative as relative
from lectopt.schedules.combining import scale_learning_rate as scale_learning_rate
from lectopt.schedules.combining import scaled as scaled
from lectopt.schedules.combining import shifted as shifted
from lectopt.schedules.combining import warmup as warmup
from lectopt.schedules.cycles import cosine_decay as cosine_decay
from lectopt.schedules.cycles import cosine_restarts as cosine_restarts
from lectopt.schedules.cycles import triangular as triangular
from lectopt.schedules.decays import constant as constant
from lectopt.schedules.decays import exponential_decay as exponential_decay
from lectopt.schedules.decays import halving as halving
from lectopt.schedules.decays import inverse_strong_convexity as inverse_strong_convexity
from lectopt.schedules.decays import inverse_time_decay as inverse_time_decay
from lectopt.schedules.decays import power_decay as power_decay
from lectopt.schedules.decays import step_decay as step_decay
from lectopt.schedules.formula import Schedule as Schedule
from lectopt.schedules.formula import schedule as schedule
from lectopt.schedules.robbins_monro import RobbinsMonro as RobbinsMonro
from lectopt.schedules.robbins_monro import satisfies_robbins_monro as satisfies_robbins_monro
