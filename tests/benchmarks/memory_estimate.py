"""python tests/benchmarks/memory_estimate.py [RECIPE.yaml ...]

Prints the GPU memory that each SED and CA-DPO recipe is estimated to need, per GPU; the headers of the recipes quote
it. Without arguments: all recipes/sed_*.yaml and ca_dpo_*.yaml. Needs no GPU and downloads nothing. The formulas and
what they rest on are in swift_saber/models/memory.py.
"""

import argparse
import sys
from pathlib import Path

import yaml

from swift_saber.errors import InputError
from swift_saber.models.memory import GIB, MAX_NEW_TOKENS, SIZES, build, estimate, parameters

RECIPES = Path(__file__).parents[2] / "recipes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", type=Path, nargs="*", metavar="RECIPE.yaml")
    paths = parser.parse_args().recipes or sorted([*RECIPES.glob("sed_*.yaml"), *RECIPES.glob("ca_dpo_*.yaml")])
    print("parameters (millions)")
    for size in SIZES:
        model = build(SIZES[size], talker=size == "7B")
        thinker = model.thinker
        parts = {
            "language": parameters(thinker.model) + parameters(thinker.lm_head),
            "vision": parameters(thinker.visual),
            "audio": parameters(thinker.audio_tower),
            "thinker": parameters(thinker),
        }
        if size == "7B":
            parts |= {
                "talker": parameters(model.talker),
                "token2wav": parameters(model.token2wav),
                "all": parameters(model),
            }
        print(f"  {size}: " + ", ".join(f"{name} {count / 1e6:,.1f}" for name, count in parts.items()))
    print("GiB on each GPU, with the longest answers (estimated; see models/memory.py for what was measured)")
    for path in paths:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        # The recipe as it stands, and where answers are not as long: of the published records, either has about 450.
        for answer in (MAX_NEW_TOKENS, 1024):
            need = estimate(recipe, answer=answer)
            names = ("weights", "trained", "kept", "towers", "mask", "layer", "logits")
            told = ", ".join(f"{name} {getattr(need, name) / GIB:.1f}" for name in names)
            print(
                f"  {path.name} max_length {recipe['max_length']}, answers of {answer:,}: plan for {need.plan_gib} "
                f"({told}; {need.trainable / 1e6:,.1f} million trained)"
            )


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
