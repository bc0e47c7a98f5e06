"""The judge finds what it is for; what it judges with is real, and runs in `tox run -e toolkits`."""

import pytest

from tests.toolkits.judgement import judge, known_differences
from tests.toolkits.questions import ACCEPTS, CONTENT_TYPES, Question, questions
from tests.toolkits.servers import Reply

RIGHT = Question("text/csv", "text/csv", "records", b"0.3\n")
NO_UTF_8 = Question("text/csv", "text/csv", "no UTF-8", b"\xff")
ANSWER = Reply(200, "text/csv", b"434.0765649977469\n")
REFUSED = Reply(400, "application/json", b'{"error": "no"}')
FAILED = Reply(500, "text/html", b"Internal Server Error")


@pytest.mark.parametrize(
    ("question", "server", "expected", "given", "outcome"),
    [
        (RIGHT, "sagemaker-containers", ANSWER, ANSWER, "same"),
        (RIGHT, "sagemaker-containers", ANSWER, Reply(200, "text/csv", b"434.0765649977470\n"), "same"),
        (RIGHT, "sagemaker-containers", ANSWER, Reply(200, "text/csv", b"434.07\n"), "DIFFERENT"),
        (RIGHT, "sagemaker-containers", ANSWER, Reply(200, "text/csv", b"434.0765649977469\n1.0\n"), "DIFFERENT"),
        (RIGHT, "sagemaker-containers", ANSWER, Reply(200, "text/html", ANSWER.body), "DIFFERENT"),
        (RIGHT, "sagemaker-containers", ANSWER, FAILED, "DIFFERENT"),
        (NO_UTF_8, "sagemaker-containers", REFUSED, Reply(400, "", b"worded otherwise"), "same"),
        (NO_UTF_8, "sagemaker-containers", REFUSED, FAILED, "DIFFERENT"),
        (NO_UTF_8, "sagemaker-containers", REFUSED, ANSWER, "DIFFERENT"),
        (NO_UTF_8, "sagemaker-containers", FAILED, FAILED, "DIFFERENT"),
        (RIGHT, "sagemaker-containers", Reply(0, "", b"timed out"), Reply(0, "", b"timed out"), "DIFFERENT"),
        (NO_UTF_8, "sagemaker-inference", REFUSED, FAILED, "known"),
        (NO_UTF_8, "sagemaker-inference", REFUSED, ANSWER, "DIFFERENT"),
    ],
)
def test_a_difference_is_one_unless_the_page_has_a_reason(question, server, expected, given, outcome):
    [judgement] = judge("pipelines/lr", server, [question], [expected], [given])
    assert judgement.outcome == outcome


def test_every_known_difference_has_a_reason():
    known = list(known_differences())
    assert known
    assert all(len(each.reason.split()) > 1 for each in known)


def test_every_content_type_is_asked_with_every_accept_header_and_with_wrong_bodies():
    asked = list(questions(2))
    for content_type in CONTENT_TYPES:
        own = [each for each in asked if each.content_type == content_type]
        assert {each.accept for each in own if each.what == "records"} == set(ACCEPTS)
        assert len({each.what for each in own}) > 10
