"""The methods: each recipe's learner, and the generators that its checkpoints draw with."""

from fergan_core.methods.protocols import Generator, MethodLearner
from fergan_core.methods.table import METHODS, MethodSpec, build_learner, load_generator, training_flops

__all__ = ["METHODS", "Generator", "MethodLearner", "MethodSpec", "build_learner", "load_generator", "training_flops"]
