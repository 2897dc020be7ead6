"""A clip's sound alone and its picture alone, in memory, for models that are to get one of them.

Equal files give equal bytes, since a request is known again by what it holds.
"""

import io

from swift_saber.errors import InputError
from swift_saber.media.read import file_problem, first_stream, open_media, reason
from swift_saber.media.sound import samples_of, wav
from swift_saber.models.reply import Unusable

# What mp4 holds and every server reads.
_MP4_CODECS = frozenset({"h264", "hevc", "mpeg4", "av1", "vp9"})
_KINDS = {"mp4": "video/mp4", "flv": "video/x-flv", "matroska": "video/x-matroska"}


def sound_of(path: str) -> bytes:
    """Return a file's sound as a WAV file of 16-bit samples, one channel, 16 kHz.

    Raises:
        InputError: the file cannot be opened.
        Unusable: it has no sound, or one that does not decode.
    """
    import av

    try:
        samples = samples_of(path)
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error, "sound") from error
    if not len(samples):
        raise Unusable("the clip has no sound")
    return wav(samples)


def picture_of(path: str) -> tuple[bytes, str]:
    """Return a file's picture without any sound, copied and not encoded anew, and its media type.

    Raises:
        InputError: the file cannot be opened.
        Unusable: it has no picture, or one that cannot be copied.
    """
    import av

    out = io.BytesIO()
    try:
        with open_media(path) as source:
            stream = first_stream(source, "video")
            if stream is None:
                raise Unusable("the clip has no picture")
            form = "mp4" if stream.codec_context.name in _MP4_CODECS else "matroska"
            if form != "mp4" and source.format.name == "flv":
                form = "flv"  # its own codecs go into nothing else
            # bitexact: Matroska would write a random number, and each form the version of FFmpeg.
            with av.open(out, "w", format=form, options={"fflags": "+bitexact"}) as target:
                copy = target.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.dts is not None:  # the empty packet at the end
                        packet.stream = copy
                        target.mux(packet)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error, "picture") from error
    return out.getvalue(), _KINDS[form]


def _unreadable(path: str, error: Exception, what: str) -> Exception:
    # A file that is gone is no fault of the clip: cleaning has read it before.
    if problem := file_problem(path):
        return InputError(path, "file", problem, "see that the clips are where the manifest says, and run again")
    return Unusable(f"the clip's {what} cannot be read ({reason(error)})")
