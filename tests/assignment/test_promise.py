"""A promise is one file: it comes back as it was, and no other model, tree, day or hand is covered by it."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from mep3m.assignment.promise import Promise
from mep3m.assignment.run import Run
from mep3m.errors import FormatError, MissingExtraError, ModelError, NotFoundError, UsageError
from mep3m.models.fingerprint import model_fingerprint
from mep3m.models.tensors import open_tensors, save_tensors


def test_it_comes_back_as_it_was(promise: Promise, tmp_path: Path) -> None:
    promise.save(tmp_path / "p.json")
    assert Promise.load(tmp_path / "p.json") == promise
    value = json.loads((tmp_path / "p.json").read_text())
    assert value["lambda"] == promise.threshold
    assert value["coverage"] == promise.filed / promise.n
    assert value["id"] == promise.id


def test_its_id_costs_nothing_for_each_answer_that_is_read(promise: Promise, tmp_path: Path) -> None:
    """A million filings are compared with it; each change makes another promise with an id of its own."""
    began = time.process_time()
    assert len({promise.id for _ in range(100_000)}) == 1
    assert time.process_time() - began < 2
    assert replace(promise, errors=promise.errors + 1).id != promise.id
    assert replace(promise).id == promise.id
    assert "id" not in asdict(promise)


@pytest.mark.parametrize("name", ["lambda", "errors", "precision", "expires", "coverage", "id", "assumption"])
def test_a_changed_value_is_found(promise: Promise, tmp_path: Path, name: str) -> None:
    promise.save(tmp_path / "p.json")
    value = json.loads((tmp_path / "p.json").read_text())
    value[name] = "2099-01-01" if name == "expires" else "x" if isinstance(value[name], str) else 0
    (tmp_path / "p.json").write_text(json.dumps(value))
    with pytest.raises(ModelError, match="was changed after it was written"):
        Promise.load(tmp_path / "p.json")


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 1}', "null", '"x"', '{"format": 9}', "{"])
def test_what_is_no_promise_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(FormatError, match=r"p\.json"):
        Promise.load(tmp_path / "p.json")


def test_a_value_of_another_kind_is_no_promise(promise: Promise, tmp_path: Path) -> None:
    promise.save(tmp_path / "p.json")
    value = json.loads((tmp_path / "p.json").read_text())
    (tmp_path / "p.json").write_text(json.dumps(value | {"expires": 5}))
    with pytest.raises(FormatError, match="is no promise"):
        Promise.load(tmp_path / "p.json")
    with pytest.raises(NotFoundError, match="does not exist"):
        Promise.load(tmp_path / "other.json")


def test_it_fits_its_run_where_that_was_copied(promise: Promise, audited_run: Run, tmp_path: Path) -> None:
    promise.require_fits(audited_run, Path("p.json"))
    shutil.copytree(audited_run.folder, tmp_path / "copy")
    (tmp_path / "copy" / "p.json").write_text("{}")  # what was put beside the model decides nothing
    promise.require_fits(Run.open(tmp_path / "copy"), Path("p.json"))


@pytest.mark.parametrize("file", ["weights.safetensors", "classifier.json"])
def test_another_model_is_refused(promise: Promise, audited_run: Run, tmp_path: Path, file: str) -> None:
    shutil.copytree(audited_run.folder, tmp_path / "run")
    path = tmp_path / "run" / file
    if file == "classifier.json":
        path.write_bytes(path.read_bytes() + b" ")
    else:
        tensors = {name: array.copy() for name, array in open_tensors(path).items()}
        tensors["bias"][0] += 1
        save_tensors(path, tensors)
    with pytest.raises(ModelError, match=r"p\.json was made for another model"):
        promise.require_fits(Run.open(tmp_path / "run"), Path("p.json"))


def test_the_parts_of_a_fused_model_count(tmp_path: Path) -> None:
    for name in ("", "text"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "classifier.json").write_text("{}")
    before = model_fingerprint(tmp_path)
    (tmp_path / "text" / "title.vocabulary.json").write_text("[]")
    (tmp_path / "text" / "title.tokeniser").mkdir()
    between = model_fingerprint(tmp_path)
    (tmp_path / "text" / "title.tokeniser" / "vocab.txt").write_text("a")
    assert len({before, between, model_fingerprint(tmp_path)}) == 3


def test_another_tree_and_another_day_are_refused(promise: Promise, audited_run: Run) -> None:
    with pytest.raises(ModelError, match="another category tree"):
        replace(promise, taxonomy="other").require_fits(audited_run, Path("p.json"))
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    with pytest.raises(ModelError, match=f"expired on {yesterday}"):
        replace(promise, expires=yesterday).require_fits(audited_run, Path("p.json"))
    replace(promise, expires=date.today().isoformat()).require_fits(audited_run, Path("p.json"))


def keys(folder: Path) -> tuple[Path, Path]:
    """Return a private and a public Ed25519 key, as openssl writes them."""
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    folder.mkdir(exist_ok=True)
    (folder / "key.pem").write_bytes(secret)
    (folder / "public.pem").write_bytes(public)
    return folder / "key.pem", folder / "public.pem"


def test_a_signature_is_checked(promise: Promise, tmp_path: Path) -> None:
    mine, theirs = keys(tmp_path / "mine"), keys(tmp_path / "theirs")
    path = tmp_path / "p.json"
    promise.save(path, mine[0])
    assert Promise.load(path, mine[1]) == Promise.load(path) == promise
    with pytest.raises(ModelError, match="the signature of"):
        Promise.load(path, theirs[1])
    forged = replace(promise, precision=0.999)
    signature = json.loads(path.read_text())["signature"]
    path.write_text(json.dumps(forged.to_json() | {"signature": signature}))
    with pytest.raises(ModelError, match="the signature of"):
        Promise.load(path, mine[1])
    promise.save(path)
    with pytest.raises(ModelError, match="is not signed"):
        Promise.load(path, mine[1])


def test_what_is_no_key_is_refused(promise: Promise, tmp_path: Path) -> None:
    secret, public = keys(tmp_path)
    for wrong in (public, Path(__file__)):
        with pytest.raises(UsageError, match="holds no private Ed25519 key"):
            promise.save(tmp_path / "p.json", wrong)
    promise.save(tmp_path / "p.json", secret)
    with pytest.raises(UsageError, match="holds no public Ed25519 key"):
        Promise.load(tmp_path / "p.json", secret)
    with pytest.raises(NotFoundError, match="openssl genpkey"):
        Promise.load(tmp_path / "p.json", tmp_path / "none.pem")


def test_without_the_package_the_message_is_the_command(
    promise: Promise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mep3m\[sign\]'"):
        promise.save(tmp_path / "p.json", tmp_path / "key.pem")
    assert not (tmp_path / "p.json").exists()


def test_openssl_makes_the_keys_that_the_message_names(promise: Promise, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    from mep3m.assignment.signature import HOW

    subprocess.run(HOW, shell=True, check=True, cwd=tmp_path)
    promise.save(tmp_path / "p.json", tmp_path / "key.pem")
    assert Promise.load(tmp_path / "p.json", tmp_path / "public.pem") == promise
