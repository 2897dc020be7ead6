"""The compatibility test: each place inside ms-swift that the plugin holds on to, by name."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from swift_saber.plugin import PLUGIN_FILE, saber_errors, saber_seams


@pytest.mark.parametrize("module", saber_seams.SEAMS)
def test_the_installed_ms_swift_has_the_seam(module: str) -> None:
    missing = [name for name in saber_seams.SEAMS[module] if not saber_seams._present(module, name)]
    assert missing == []


def test_the_check_passes_here() -> None:
    saber_seams.check()


def test_a_missing_seam_is_named_with_the_wanted_version(monkeypatch: pytest.MonkeyPatch) -> None:
    syntax = importlib.import_module("swift.dataset.dataset_syntax").DatasetSyntax
    monkeypatch.delattr(syntax, "get_dataset_meta")
    with pytest.raises(saber_seams.SeamError) as caught:
        saber_seams.check()
    said = saber_errors.explain(caught.value) or ""
    assert "swift.dataset.dataset_syntax.DatasetSyntax.get_dataset_meta" in said
    assert "ms-swift>=4.6.0,<4.7" in said
    assert "pip install 'ms-swift==4.6.0'" in said


def test_a_missing_seam_ends_in_one_line() -> None:
    program = (
        "import runpy, swift.dataset.dataset_syntax as module; del module.DatasetSyntax.get_dataset_meta; "
        f"runpy.run_path({str(PLUGIN_FILE)!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("swift-saber: error: swift-saber needs ms-swift")
    assert "Traceback" not in done.stderr


def test_ms_swift_still_reports_unknown_arguments_in_the_words_that_are_explained(tiny_model: Path) -> None:
    from swift.arguments import ExportArguments
    from swift.pipelines.base import SwiftPipeline

    class Pipeline(SwiftPipeline):
        args_class = ExportArguments

        def run(self) -> None:
            raise AssertionError("must not get this far")

    with pytest.raises(ValueError, match="nonsense") as caught:
        Pipeline(["--model", str(tiny_model), "--model_type", "qwen2_5_omni", "--nonsense", "1"])
    assert "unknown argument --nonsense" in (saber_errors.explain(caught.value) or "")


def test_other_errors_are_left_to_python() -> None:
    assert saber_errors.explain(ValueError("something else")) is None
    assert saber_errors.explain(RuntimeError("remaining_argv: ['--a']")) is None


def test_a_recipes_unknown_key_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text("# a recipe\nmax_steps: 3\nlerning_rate: 1\n")
    monkeypatch.setenv("SWIFT_CONFIG_FILE", str(recipe))
    said = saber_errors.explain(ValueError("remaining_argv: ['--lerning_rate', '1']"))
    assert said is not None
    assert f"{recipe}:3: unknown key 'lerning_rate'" in said
