"""A random forest of scikit-learn as a logic network: ONNX, optimised, and C.

pip install 'lgnx[trees,proof]'
python examples/forest.py                 writes the folder forest/
python examples/forest.py --trees 10 --out build/forest
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import lgnx
from lgnx.converters.formats import write_model
from lgnx.converters.sklearn_trees import from_sklearn

# Reads samples as float32 from stdin, and prints the name of the class of each.
PROGRAM = """\
#include <stdio.h>
#include "forest.h"

static forest_word scratch[FOREST_SCRATCH];

int main(void) {
    forest_input x[FOREST_INPUTS];
    forest_score y[FOREST_OUTPUTS];
    while (fread(x, sizeof x, 1, stdin) == 1) {
        forest_predict(x, y, scratch);
        puts(forest_names[forest_class(y)]);
    }
    return 0;
}
"""


def classes_of_c(folder: Path, x: np.ndarray) -> list[str]:
    """Compile forest.c with a small program, and run it on samples."""
    (folder / "main.c").write_text(PROGRAM)
    program = folder / "main"
    sources = [folder / "main.c", folder / "forest.c"]
    subprocess.run(["cc", "-std=c99", "-O1", "-o", program, *sources], check=True)
    done = subprocess.run([program.resolve()], input=x.tobytes(), capture_output=True, check=True)
    return done.stdout.decode().splitlines()


def main(
    trees: Annotated[int, typer.Option(help="Trees of the forest.", min=1)] = 50,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("forest"),
) -> None:
    """Train, convert, optimise with a proof, run, and run as C."""
    data = load_breast_cancer()
    x, y = data.data.astype(np.float32), data.target_names[data.target]
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
    forest = RandomForestClassifier(trees, random_state=0).fit(x_train, y_train)
    accuracy = forest.score(x_test, y_test)
    print(f"{trees} trees, accuracy on test data: {accuracy:.2%}")

    out.mkdir(parents=True, exist_ok=True)
    names = data.feature_names.tolist()
    model = from_sklearn(forest, feature_names=names, accuracy=round(accuracy, 4))
    lgnx.save(model, out / "forest.onnx")

    smaller, (report,) = lgnx.optimize(model, synthesis=True)
    lgnx.save(smaller, out / "optimised.onnx")
    verdict = report.verdict.status if report.verdict else "not compared"
    print(f"{report.nodes_before} gates, optimised {report.nodes_after}: {verdict}")

    scores = lgnx.InferenceSession(out / "optimised.onnx").run(None, {"x": x})[0]
    same = np.array_equal(scores, forest.predict_proba(x))
    print(f"onnxruntime gives the same probabilities as scikit-learn: {same}")

    write_model(smaller, out / "forest.c")
    if shutil.which("cc"):
        same = classes_of_c(out, x) == forest.predict(x).tolist()
        print(f"C gives the same classes as scikit-learn: {same}")


if __name__ == "__main__":
    typer.run(main)
