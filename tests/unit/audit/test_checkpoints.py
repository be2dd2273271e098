"""Checkpoints are written and read as C2SP tlog-checkpoint says. Its example is the first of these."""

import base64

import pytest

from domain.audit.checkpoints import Checkpoint, refuse_two_roots
from domain.audit.errors import MalformedCheckpoint, TwoRoots

EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
ORIGIN = "mail.example/ledger"


def test_the_specifications_example() -> None:
    read = Checkpoint.read(EXAMPLE)
    assert read == Checkpoint("example.com/behind-the-sofa", 20852163, ROOT)
    assert read.text == EXAMPLE
    assert (read.epoch, read.kept) == (None, None)


def test_our_own_tell_the_epoch() -> None:
    first = Checkpoint.of(ORIGIN, 0, ROOT, epoch=0)
    assert first.text.splitlines()[3:] == ["epoch 0"]
    restored = Checkpoint.of(ORIGIN, 12, ROOT, epoch=29_740_320, kept=11)
    assert restored.text.splitlines()[3:] == ["epoch 29740320", "kept 11"]
    read = Checkpoint.read(restored.text)
    assert (read, read.epoch, read.kept) == (restored, 29_740_320, 11)


def test_lines_of_others_are_kept_as_they_are() -> None:
    for lines in (
        "of theirs\nepoch 3\n",
        "epoch\n",
        "epoch 01\n",
        "epoch 1 \n",
        "3\n",
        "kept 3\n",
        "x\nkept 3\n",
    ):
        read = Checkpoint.read(EXAMPLE + lines)
        assert (read.text, read.epoch, read.kept) == (EXAMPLE + lines, None, None)


def test_no_checkpoint_of_ours_keeps_more_than_there_is() -> None:
    for epoch, kept in ((1, 13), (1, -1), (-1, None)):
        with pytest.raises(MalformedCheckpoint):
            Checkpoint.of(ORIGIN, 12, ROOT, epoch=epoch, kept=kept)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        EXAMPLE[:-1],
        f"{EXAMPLE}\n",
        f"\n{EXAMPLE}",
        EXAMPLE.replace("20852163", "020852163"),
        EXAMPLE.replace("20852163", "-1"),
        EXAMPLE.replace("20852163", "+1"),
        EXAMPLE.replace("20852163", "1_0"),
        EXAMPLE.replace("20852163", "٣"),
        EXAMPLE.replace("20852163", "9" * 5000),
        EXAMPLE.replace("20852163", str(2**63)),
        EXAMPLE.replace("20852163", ""),
        EXAMPLE.replace("example.com/behind-the-sofa", ""),
        EXAMPLE.replace("example.com/behind-the-sofa", "\udcff"),
        EXAMPLE.replace("example.com/behind-the-sofa", "example.com\t"),
        EXAMPLE.replace("q2I=", "q2I"),
        EXAMPLE.replace("q2I=", "q2J="),
        EXAMPLE.replace("q2I=", "q2I=="),
        EXAMPLE.replace("CsUY", ""),
        EXAMPLE.replace("CsUY", "Cs-_"),
        EXAMPLE.replace("CsUY", "Cśüy"),
        EXAMPLE.replace("CsUY", "Cs Y"),
        "\n".join(EXAMPLE.splitlines()[:2]) + "\n",
        f"{EXAMPLE}epoch 1\r\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedCheckpoint):
        Checkpoint.read(text)


def test_one_origin_epoch_and_size_has_one_root() -> None:
    one = Checkpoint.of(ORIGIN, 12, ROOT, epoch=1)
    other_root = bytes(32)
    refuse_two_roots(one, Checkpoint.of(ORIGIN, 12, ROOT, epoch=1))
    refuse_two_roots(one, Checkpoint.of(ORIGIN, 12, other_root, epoch=2))
    refuse_two_roots(one, Checkpoint.of(ORIGIN, 13, other_root, epoch=1))
    refuse_two_roots(one, Checkpoint.of("mail.example/other", 12, other_root, epoch=1))
    with pytest.raises(TwoRoots, match="with 12 leaves there are two roots"):
        refuse_two_roots(one, Checkpoint.of(ORIGIN, 12, other_root, epoch=1))
