"""What the pages write of sentences in which other people's names and FerGAN's own commands stand."""

import pytest

from dashboard.choose import plain, sentence


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("sheets/a_b.webp is missing; `fergan runs verify` says more", r"sheets/a\_b\.webp is missing; {} says more"),
        ("run *best* has no checkpoint", r"run \*best\* has no checkpoint"),
        ("a name with one ` in it", r"a name with one \` in it"),
        ("two: `fergan runs verify` and `", r"two\: {} and \`"),
    ],
)
def test_commands_of_a_sentence_stay_code_and_all_else_reads_as_it_was_written(text: str, markdown: str) -> None:
    assert sentence(text) == markdown.format("`fergan runs verify`")


def test_other_peoples_text_has_no_code() -> None:
    assert plain("`rm`") == r"\`rm\`"
