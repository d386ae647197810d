"""Statistics: intervals, tests of a difference, and predictions that say how sure they are. One method a module.

Intervals: `intervals` (bootstrap, by group), `weighted` (metrics of many resamples at once). Two models on the same
rows: `delong`, `mcnemar`, `permuted`, and over folds `resampled`. Two sets of rows: `samples`, `nested`, and `tables`
of such tests with what corrects them. Conformal prediction: `conformal`, and its coverage on test rows, `covered`.
"""
