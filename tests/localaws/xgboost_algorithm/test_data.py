"""The files that the XGBoost algorithm learns from, and which of them, and which line, is wrong."""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from sagemaker_xgboost_container.algorithm import channels, data
from sagemaker_xgboost_container.algorithm.errors import ClientError
from sagemaker_xgboost_container.algorithm.examples import Examples


def read(folder: Path, data_format: str, *, csv_weights: bool = False, **files: str) -> Examples:
    for name, content in files.items():
        (folder / name).write_text(content)
    found = data.read(folder, data_format, csv_weights=csv_weights)
    assert found is not None
    return found


@pytest.mark.parametrize("text", ["1,2,3\n4,5,6\n", "1;2;3\r\n4;5;6", "1\t2\t3\n\n4\t5\t6\n", "1,2,3\n+4, 5 ,6.0e0\n"])
def test_csv_has_the_label_first(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, "csv", rows=text)
    assert found.labels.tolist() == [1, 4]
    assert found.features.tolist() == [[2, 3], [5, 6]]
    assert found.weights is None


def test_an_empty_cell_is_a_missing_value(tmp_path: Path) -> None:
    found = read(tmp_path, "csv", rows="1,,3\n4,NA,nan\n")
    assert np.isnan(found.features).tolist() == [[True, False], [True, True]]


def test_the_second_column_of_csv_may_be_the_weight(tmp_path: Path) -> None:
    found = read(tmp_path, "csv", csv_weights=True, rows="1,0.5,3\n4,2,6\n")
    assert (found.labels.tolist(), found.weights.tolist(), found.features.tolist()) == ([1, 4], [0.5, 2], [[3], [6]])


def test_all_files_are_read_in_their_order_but_markers(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "c").write_text("5,6\n")
    (tmp_path / "_SUCCESS").write_text("done")
    (tmp_path / "empty").write_text("")
    assert read(tmp_path, "csv", b="3,4\n", a="1,2\n").labels.tolist() == [1, 3, 5]


def test_a_folder_without_rows_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    assert data.read(tmp_path, "csv") is None


def test_libsvm_has_weights_groups_and_comments(tmp_path: Path) -> None:
    found = read(tmp_path, "libsvm", rows="1:0.5 qid:1 0:2 3:4 # first\n\n0:1 qid:2 1:-1e1\n", tail="1:1 qid:2 5:1\n")
    assert found.features.toarray().tolist() == [[2, 0, 0, 4, 0, 0], [0, -10, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]
    assert (found.labels.tolist(), found.weights.tolist(), found.groups.tolist()) == ([1, 0, 1], [0.5, 1, 1], [1, 2, 2])


def test_parquet_has_the_label_first(tmp_path: Path) -> None:
    table = pyarrow.table({"y": [1, 0], "a": [0.5, None], "b": [True, False]})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    found = data.read(tmp_path, "parquet")
    assert found is not None
    assert found.labels.tolist() == [1, 0]
    assert found.features[0].tolist() == [0.5, 1]
    assert np.isnan(found.features[1, 0])


@pytest.mark.parametrize(
    ("data_format", "text", "said"),
    [
        ("csv", "sex,rings\n1,2\n", "bad, line 1: 'sex' is not a number, in 'sex,rings'. There must be no header row."),
        ("csv", "1,2\n3,four\n", "bad, line 2: 'four' is not a number, in '3,four'."),
        ("csv", "1,2\n3,4,5\n", "bad, line 2: 3 columns, the first line has 2"),
        ("csv", "1,2\n,4\n", "bad: row 2 has no label in column 1"),
        ("csv", "1\n2\n", "bad has 1 columns: label and features are needed"),
        ("csv", "1 0:2 1:3\n", "bad, line 1: '0:2' is not a number"),
        ("libsvm", "1 0:2\n1,2,3\n", "bad, line 2: '1,2,3' is not in LIBSVM format"),
        ("libsvm", "1 0:2\n1 0:\n", "bad, line 2: '1 0:' is not in LIBSVM format"),
        ("libsvm", "1 0:2\n1 2\n", "bad, line 2: '1 2' is not in LIBSVM format"),
        ("libsvm", "1 -1:2\n", "bad, line 1: '1 -1:2' is not in LIBSVM format"),
        ("libsvm", "1:2 0:2\n1 0:2\n", "bad, line 2: '1 0:2' is not in LIBSVM format"),
        ("parquet", "1,2\n", "Failed to load parquet data: bad: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, data_format: str, text: str, said: str) -> None:
    (tmp_path / "bad").write_text(text)
    with pytest.raises(ClientError) as failure:
        data.read(tmp_path, data_format)
    assert str(failure.value).startswith(said)


def test_files_must_agree(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"different numbers of features: \[1, 2\]"):
        read(tmp_path, "csv", a="1,2\n", b="1,2,3\n")


def test_a_hidden_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".rows").write_text("1,2\n")
    with pytest.raises(ClientError, match="Hidden file found in the data path"):
        data.read(tmp_path, "csv")


@pytest.mark.parametrize(
    ("content_type", "found"),
    [
        (None, "libsvm"),
        ("text/x-libsvm", "libsvm"),
        ("text/csv; label_size=1", "csv"),
        ("CSV", "csv"),
        ("application/x-parquet", "parquet"),
        ("application/x-recordio-protobuf", "recordio-protobuf"),
    ],
)
def test_the_content_type_says_the_format(content_type: str | None, found: str) -> None:
    channel = {"ContentType": content_type} if content_type else {}
    assert channels.data_format({"train": channel, "code": {"ContentType": "text/python"}}) == found


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"validation": {}}, "Missing required channel: train"),
        ({"train": {}, "test": {}}, "Extraneous channel found: test"),
        ({"train": {"ContentType": "text/json"}}, "text/json is not an accepted ContentType"),
        ({"train": {"ContentType": "text/csv;label_size=0"}}, "label_size must be 1"),
        ({"train": {"TrainingInputMode": "Pipe"}}, "Pipe is not supported"),
        ({"train": {"ContentType": "csv"}, "validation": {}}, "train csv, validation libsvm"),
    ],
)
def test_a_wrong_channel_is_named(described: dict[str, dict[str, str]], said: str) -> None:
    with pytest.raises(ClientError, match=said):
        channels.data_format(described)


def test_a_large_file_is_read_as_a_small_one_is(tmp_path: Path) -> None:
    row = "1,0.5,,-3e-2\n"
    found = read(tmp_path, "csv", rows=row * 100_000)
    assert found.features.shape == (100_000, 3)
    assert found.features[-1, [0, 2]] == pytest.approx([0.5, -0.03])
    assert np.isnan(found.features[:, 1]).all()
    with pytest.raises(ClientError, match="rows, line 100001: 'x' is not a number"):
        read(tmp_path, "csv", rows=row * 100_000 + "1,x,2,3\n")
