"""Registers the parts of the plugin with ms-swift, once per process."""

import dataclasses
import os
import signal
import sys
import threading
from contextlib import nullcontext, suppress
from functools import partial, wraps
from typing import Any

import psutil

from swift_saber.plugin import COMMAND, saber_errors, saber_seams

# For the instructions of a dataset; one that a hundredth of the rows has is missed once in 20,000 times.
_ROWS_LOOKED_AT = 1000

_registered = False


def register() -> None:
    """Register dataset, readers, template and callback, and see that a checkpoint stays loadable without this plugin.

    Calling it again does nothing.

    Raises:
        SeamError: the installed ms-swift lacks something that is needed; the message names the wanted version.
    """
    global _registered
    if _registered:
        return
    saber_errors.install_excepthook()
    saber_seams.check()
    from swift_saber.plugin import (
        saber_bad_rows,
        saber_cache,
        saber_dataset,
        saber_frames,
        saber_loader,
        saber_logits,
        saber_rewards,
        saber_sound,
        saber_targets,
    )

    saber_dataset.register()
    saber_frames.register()
    saber_sound.register()
    saber_logits.register()
    saber_cache.register()
    _register_templates()
    saber_bad_rows.register()
    saber_loader.register()
    saber_targets.register()
    saber_rewards.register()
    _keep_bad_rows()
    _register_trainer()
    _extend_args_json()
    _spare_threads()
    _end_with_command()
    _registered = True


def _register_templates() -> None:
    """Put the SED template in the place of the stock one, under the stock name.

    A checkpoint records its template's name. A name of our own would tie every model trained here to this plugin;
    under the stock name the model loads anywhere, and tokens are the same with and without the plugin.
    """
    from swift.template import TEMPLATE_MAPPING, register_template

    from swift_saber.plugin.saber_template import SEDQwen2_5OmniTemplate, SEDQwen3OmniTemplate

    for name, template in zip(saber_seams.TEMPLATES, (SEDQwen2_5OmniTemplate, SEDQwen3OmniTemplate), strict=True):
        register_template(dataclasses.replace(TEMPLATE_MAPPING[name], template_cls=template), exist_ok=True)


def _register_trainer() -> None:
    """Put the CA-DPO trainer in the place of the DPO trainer, and look at its arguments before a model is loaded."""
    from swift.trainers import TrainerFactory

    from swift_saber.plugin import saber_reference
    from swift_saber.plugin.saber_options import check_arguments

    saber_reference.register()
    TrainerFactory.TRAINER_MAPPING["dpo"] = "swift_saber.plugin.saber_ca_dpo.CADPOTrainer"
    # The first step after ms-swift has imported the plugin in which it holds all arguments.
    get_training_args = TrainerFactory.get_training_args

    @wraps(get_training_args)
    def checked_training_args(args: Any) -> Any:
        check_arguments(args)
        return get_training_args(args)

    TrainerFactory.get_training_args = checked_training_args


def _keep_bad_rows() -> None:
    """Have every run that has an output folder keep its bad rows there: training, and encoding for it beforehand."""
    from swift.pipelines.base import SwiftPipeline
    from swift.pipelines.train.sft import SwiftSft

    from swift_saber.plugin.saber_bad_rows import kept, some_left
    from swift_saber.plugin.saber_options import check_modality_pairs

    main, show_dataset = SwiftPipeline.main, SwiftSft._show_dataset

    @wraps(main)
    def main_and_count(self: Any) -> Any:
        check_modality_pairs(self.args)  # of a command that trains it was looked at before the model was loaded
        folder = getattr(self.args, "output_dir", None)
        # In which ms-swift gives each run a folder of its own, unless told not to.
        runs = os.path.dirname(folder) if folder and getattr(self.args, "add_version", False) else folder
        with kept(folder, runs) if folder else nullcontext():
            return main(self)

    @wraps(show_dataset)
    def show_some(self: Any, train: Any, validation: Any) -> Any:
        with some_left(train, validation, self.args):
            return show_dataset(self, train, validation)

    SwiftPipeline.main, SwiftSft._show_dataset = main_and_count, show_some


def _spare_threads() -> None:
    """Have forked processes compute in one thread, as those of torch's loaders do; this one keeps its own.

    ms-swift encodes in forked processes (`--lazy_tokenize false`, packing, cached datasets). There the first operation
    of torch that is worth several threads, such as one on a row's sound, waits for ever for those that the process had
    before: a fork does not copy them.
    """
    import torch

    if sys.platform != "win32":  # where nothing forks
        os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


def _extend_args_json() -> None:
    """Have args.json, which ms-swift copies into every checkpoint, remember more, and not the plugin.

    ms-swift imports what stands under `external_plugins` again when it loads the checkpoint, and fails where the path
    is another; the path stays readable under `custom_register_path`, which is not imported again. The media settings
    are environment variables that ms-swift forgets: shell/infer.sh sets those that the model was trained with; so are
    CA-DPO's options, which stay readable under `ca_dpo_settings`. `prepared` says of each file of prepared rows what
    its clips were made with. `instructions` are the words that the training data ask in, so that inference can say when
    it asks in others; a stream is not read for them. A local base model is remembered by its absolute path, so that a
    LoRA checkpoint finds it from any folder.
    """
    from datasets import Dataset
    from swift.arguments import BaseArguments

    from swift_saber.data.questions import instructions
    from swift_saber.media.prepared import check_settings, made_with
    from swift_saber.media.settings import settings_in_force
    from swift_saber.plugin import PLUGIN_FILE
    from swift_saber.plugin.saber_options import settings
    from swift_saber.plugin.saber_prepare import view_in_force

    save_args, load_dataset = BaseArguments.save_args, BaseArguments.load_dataset

    def prepared_of(args: Any) -> dict[str, dict[str, Any]]:
        """What the clips of each file of prepared rows were made with."""
        # After # stands how many of a file's rows are taken.
        sources = [
            str(source).partition("#")[0] for name in ("dataset", "val_dataset") for source in getattr(args, name)
        ]
        return {source: found for source in sources if (found := made_with(source))}

    @wraps(load_dataset)
    def load_dataset_and_look(self: Any) -> tuple[Any, Any]:
        for path, made in prepared_of(self).items():  # else each of their rows would fail by itself
            check_settings(path, made["settings"], view_in_force(made["settings"]["patch_size"]))
        train, validation = load_dataset(self)
        if isinstance(train, Dataset):
            # From all over the table, which may be sorted.
            found = instructions(train[place] for place in range(0, len(train), 1 + len(train) // _ROWS_LOOKED_AT))
            if found:
                self.instructions = found
        return train, validation

    @wraps(save_args)
    def save_args_with_settings(self: Any, *args: Any, **kwargs: Any) -> None:
        plugins = self.external_plugins
        self.external_plugins = [path for path in plugins or [] if not str(path).endswith(PLUGIN_FILE.name)]
        self.media_settings = settings_in_force(os.environ)
        if prepared := prepared_of(self):
            self.prepared = prepared
        ca_dpo_settings = settings(self)
        if ca_dpo_settings:
            self.ca_dpo_settings = ca_dpo_settings
        model = self.model
        self.model = os.path.abspath(model) if model and os.path.isdir(model) else model
        try:
            save_args(self, *args, **kwargs)
        finally:
            self.external_plugins, self.model = plugins, model

    BaseArguments.save_args, BaseArguments.load_dataset = save_args_with_settings, load_dataset_and_look


def _end_with_command() -> None:
    """Have this process end when the command that started it has ended, in whatever way.

    Else a training whose command was killed goes on, and the next start writes into its folder beside it.
    """
    command = os.environ.get(COMMAND)
    if command is None:
        return

    def watch() -> None:
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(int(command))
            if found.create_time() <= psutil.Process().create_time():  # else its number is another's by now
                found.wait()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
