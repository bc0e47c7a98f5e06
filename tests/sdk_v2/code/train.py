"""A ridge regression of the first column of train.csv on the others, for SageMaker's scikit-learn image."""

import argparse
import json
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import Ridge


def model_fn(model_dir):
    return joblib.load(Path(model_dir, "model.joblib"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--alpha", type=float, default=0.0)
    parser.add_argument("--fail", default="")
    parser.add_argument("--shared", default="")
    arguments, _ = parser.parse_known_args()
    if arguments.fail:
        raise ValueError(f"told to fail: {arguments.fail}")
    if arguments.shared:
        import shared_words

        print(f"shared: {shared_words.WORD}")
    table = np.loadtxt(Path(os.environ["SM_CHANNEL_TRAIN"], "train.csv"), delimiter=",")
    model = Ridge(alpha=arguments.alpha).fit(table[:, 1:], table[:, 0])
    print(f"r2={model.score(table[:, 1:], table[:, 0]):f};")
    joblib.dump(model, Path(os.environ["SM_MODEL_DIR"], "model.joblib"))
    checkpoints = Path("/opt/ml/checkpoints")
    if checkpoints.is_dir():
        (checkpoints / "epoch-1.json").write_text(json.dumps({"alpha": arguments.alpha}))
