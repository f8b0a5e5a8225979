"""Neural MOS predictors: DistillMOS and UTMOS."""
