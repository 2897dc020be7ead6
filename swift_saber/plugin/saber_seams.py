"""The places inside ms-swift that this plugin holds on to, each by name, and the check that they are there.

They are internals: an upgrade of ms-swift may move them. Then this check fails, at start, and says which one.
"""

import importlib
from importlib.metadata import version

WANTED = "ms-swift>=4.6.0,<4.7"
TESTED = "4.6.0"

# module: attributes. What each is used for stands where it is used.
SEAMS = {
    "datasets": ["ArrowBasedBuilder", "Json", "List"],
    "datasets.builder": ["Key"],
    "datasets.packaged_modules.generator.generator": ["GeneratorConfig"],
    "modelscope.hub.utils.utils": ["get_cache_dir"],
    "qwen_omni_utils": ["fetch_video"],
    "qwen_omni_utils.v2_5.vision_process": [
        "FORCE_QWENVL_VIDEO_READER",
        "VIDEO_READER_BACKENDS",
        "_read_video_torchvision",
        "calculate_video_frame_range",
        "get_video_reader_backend.cache_clear",
        "smart_nframes",
        "smart_resize",
    ],
    "swift.arguments": ["BaseArguments.load_dataset", "BaseArguments.save_args"],
    "swift.callbacks": ["TrainerCallback", "callbacks_map"],
    "swift.dataset": ["DatasetMeta", "DatasetLoader", "LazyLLMDataset", "RowPreprocessor", "register_dataset"],
    "swift.dataset.dataset_syntax": ["DatasetSyntax.get_dataset_meta"],
    "swift.dataset.loader": ["DatasetLoader._load_dataset_path", "DatasetLoader._load_repo_dataset"],
    "swift.infer_engine": [
        "InferRequest.remove_response",
        "TransformersEngine._batch_encode",
        "TransformersEngine.infer",
    ],
    "swift.metrics": ["MeanMetric.update"],
    "swift.model.models.qwen": ["Qwen2_5OmniLoader.get_model", "Qwen3OmniLoader.get_model"],
    "swift.pipelines.base": ["SwiftPipeline.main"],
    "swift.pipelines.infer.infer": ["SwiftInfer.infer_single"],
    "swift.pipelines.train.rlhf": ["SwiftRLHF._get_trainer_kwargs", "SwiftRLHF._prepare_single_model"],
    "swift.pipelines.train.sft": ["SwiftSft._show_dataset"],
    "swift.pipelines.train.tuner": ["get_target_modules"],
    "swift.rewards": ["orms"],
    "swift.rlhf_trainers.dpo_trainer": [
        "DPOTrainer.compute_ref_log_probs",
        "DPOTrainer.concatenated_forward",
        "DPOTrainer.dpo_loss",
        "DPOTrainer.get_batch_loss_metrics",
        "DPOTrainer.log",
        "DPOTrainer.compute_custom_metrics",
    ],
    "swift.template": ["MaxLengthError", "TEMPLATE_MAPPING", "register_template"],
    "swift.template.base": [
        "Template.encode",
        "Template._preprocess_inputs",
        "Template._encode",
        "Template._data_collator",
        "Template._data_collator_mm_data",
        "Template._rlhf_encode",
        "Template._rlhf_data_collator",
        "load_audio",
    ],
    "swift.template.templates.qwen": [
        "Qwen2_5OmniTemplate.replace_tag",
        "Qwen2_5OmniTemplate._encode",
        "Qwen2_5OmniTemplate._get_feat_extract_output_lengths",
        "Qwen3OmniTemplate",
        "load_audio",
    ],
    "swift.template.vision_utils": ["local_video_path"],
    "swift.trainers": ["TrainerFactory.TRAINER_MAPPING", "TrainerFactory.get_training_args"],
    "swift.utils": [
        "HfConfigFactory.get_config_attr",
        "HfConfigFactory.set_config_attr",
        "get_logger",
        "is_master",
        "safe_ddp_context",
    ],
    "torch.utils.data": ["DataLoader._get_iterator"],
    "torch.utils.data._utils": ["MP_STATUS_CHECK_INTERVAL"],
    "torch.utils.data._utils.signal_handling": ["_remove_worker_pids", "_set_worker_pids"],
    "torch.utils.data.dataloader": [
        "_DatasetKind.Map",
        "_MultiProcessingDataLoaderIter._get_data",
        "_MultiProcessingDataLoaderIter._next_index",
        "_MultiProcessingDataLoaderIter._process_data",
        "_MultiProcessingDataLoaderIter._reset",
        "_MultiProcessingDataLoaderIter._try_get_data",
    ],
}
TEMPLATES = ("qwen2_5_omni", "qwen3_omni")


class SeamError(ImportError):
    """ms-swift is not the one that this plugin was written for."""


def check() -> None:
    """Raise SeamError, naming the wanted version, when ms-swift lacks something that the plugin needs."""
    missing = [f"{module}.{name}" for module, names in SEAMS.items() for name in names if not _present(module, name)]
    if not missing:
        mapping = importlib.import_module("swift.template").TEMPLATE_MAPPING
        missing = [f"template {name}" for name in TEMPLATES if name not in mapping]
    if missing:
        raise SeamError(
            f"swift-saber needs {WANTED} and found ms-swift {version('ms-swift')}, which lacks {', '.join(missing)}; "
            f"install the tested version: pip install 'ms-swift=={TESTED}'"
        )


def _present(module: str, dotted: str) -> bool:
    try:
        found: object = importlib.import_module(module)
        for name in dotted.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError):
        return False
    return True
