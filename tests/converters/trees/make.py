"""Make the files of this folder: python make.py, with xgboost 3.2.0 and lightgbm 4.7.0."""

from pathlib import Path

import lightgbm
import xgboost
from sklearn.datasets import load_breast_cancer, load_iris

here = Path(__file__).parent
iris, cancer = load_iris(return_X_y=True), load_breast_cancer(return_X_y=True)
boosted = xgboost.XGBClassifier(n_estimators=3, max_depth=2, random_state=0).fit(*iris)
boosted.save_model(here / "xgboost_iris.json")
boosted.save_model(here / "xgboost_iris.ubj")
binary = xgboost.XGBClassifier(n_estimators=4, max_depth=3, random_state=0, base_score=0.5)
binary.fit(*cancer).save_model(here / "xgboost_breast_cancer.json")
light = lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, random_state=0, verbose=-1)
light.fit(*iris).booster_.save_model(here / "lightgbm_iris.txt")
