"""How much of a clip there may be, and how little: for the check that refuses it, and for the readers that hold it."""

# An hour: far above any clip that is shown to the model, and below what a broken header usually says.
MAX_SECONDS = 3600.0
# Samples of one channel, which are held in memory before they are resampled: an hour at 48 kHz, 0.7 GB.
MAX_SAMPLES = round(MAX_SECONDS * 48_000)
# 8K UHD. Decoders hold some frames at their full size, and readers other than ours all that are sampled.
MAX_PIXELS = 7680 * 4320
# By how many times the sides of a frame may differ, MAX_RATIO of qwen-omni-utils.
MAX_RATIO = 200
# The share of a clip that may be missing, or in packets that do not decode.
MISSING_SHARE = 0.1
# Readers take frames in pairs (FRAME_FACTOR of qwen-omni-utils), and fail on a clip that has not one pair.
LEAST_PICTURES = 2
# Seconds of sound. Of so much the audio encoder of Qwen2.5-Omni makes not one token: two frames of 10 ms.
LEAST_SECONDS = 0.02
