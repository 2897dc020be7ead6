"""Makes clips in which every frame carries its number, in the forms of video that people have.

What a player shows of each is known from how it was made, and from no decoder: so they tell whether a reader of frames
gives the true ones, in their order and the right way up.

    python -m tests.numbered_clips FOLDER
"""

import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from tests.media_faults import boxes

FPS = 25
COUNT = 100
HEIGHT, WIDTH = 96, 128
# A picture is a grid of blocks, black or white. Its corners tell which way up it is. The others are the bits of its
# number, each followed by its opposite, so that two pictures that were mixed, or one not fully decoded, are no number.
ROWS, COLUMNS, BITS = 4, 5, 8
UPRIGHT = [True, False, False, False]
BLACK, WHITE = 24, 231
_CORNERS = [0, COLUMNS - 1, (ROWS - 1) * COLUMNS, ROWS * COLUMNS - 1]
_OTHERS = [block for block in range(ROWS * COLUMNS) if block not in _CORNERS]


def picture(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return the picture of a number below 256, uint8 of shape (height, width, 3)."""
    blocks = np.empty(ROWS * COLUMNS, bool)
    blocks[_CORNERS] = UPRIGHT
    blocks[_OTHERS] = [bool(number >> bit & 1) == side for bit in range(BITS) for side in (True, False)]
    rows, columns = np.arange(height) * ROWS // height, np.arange(width) * COLUMNS // width
    grey = np.where(blocks.reshape(ROWS, COLUMNS)[rows[:, None], columns], WHITE, BLACK).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def number_of(frame: np.ndarray) -> int | None:
    """Return the number that a frame carries; None where it carries none, or not the right way up.

    Args:
        frame: uint8 of shape (height, width, 3), of any size from about 40 x 50.
    """
    inner = np.linspace(0.2, 0.8, 8)  # of a block, whose borders are mixed with those of its neighbours
    rows, columns = (
        ((np.arange(count)[:, None] + inner).reshape(-1) * side / count).astype(int)
        for count, side in ((ROWS, frame.shape[0]), (COLUMNS, frame.shape[1]))
    )
    light = frame[rows[:, None], columns].mean(axis=2).reshape(ROWS, 8, COLUMNS, 8).mean(axis=(1, 3)).reshape(-1)
    blocks = light > 128
    bits, opposites = blocks[_OTHERS[::2]], blocks[_OTHERS[1::2]]
    if (abs(light - 128) < 64).any() or list(blocks[_CORNERS]) != UPRIGHT or (bits == opposites).any():
        return None
    return int((1 << np.arange(BITS))[bits].sum())


@dataclass(frozen=True)
class Clip:
    """One clip.

    Attributes:
        name: its file's name, which says what is odd about it.
        path: where it lies.
        shown: the numbers that a player shows, in their order.
        rate: how many frames it shows a second, where they stand at uneven times from the first to the last; None
            where the container keeps those only roughly.
        size: (height, width) of what is shown, in pixels.
    """

    name: str
    path: Path
    shown: list[int]
    rate: float | None = FPS
    size: tuple[int, int] = (HEIGHT, WIDTH)


Packets = list[Any]  # of av.Packet, in the order in which they are decoded


@lru_cache(maxsize=1024)  # making these takes longer than encoding them
def _frame(draw: Callable[[int], np.ndarray], number: int, pixels: str) -> Any:
    return av.VideoFrame.from_ndarray(draw(number), format="rgb24").reformat(format=pixels)


@dataclass
class Stream:
    """One stream of pictures to encode.

    Attributes:
        numbers: of its pictures.
        times: when each is shown, in 1 / rate seconds; without it one after another.
        draw: gives the picture of a number.
        options: of the encoder.
        change: what becomes of the packets before they are written.
    """

    codec: str = "libx264"
    pixels: str = "yuv420p"
    numbers: Sequence[int] = range(COUNT)
    times: Sequence[int] | None = None
    rate: Fraction | int = FPS
    draw: Callable[[int], np.ndarray] = picture
    options: dict[str, str] = field(default_factory=dict)
    change: Callable[[Packets], Packets] = lambda packets: packets

    def open(self, container: Any) -> Any:
        stream = container.add_stream(self.codec, rate=self.rate)
        stream.height, stream.width = self.draw(self.numbers[0]).shape[:2]
        stream.pix_fmt = self.pixels
        stream.options = {**_OPTIONS.get(self.codec, {}), **self.options}
        stream.codec_context.thread_count = 1
        return stream

    def packets(self, stream: Any) -> Packets:
        made = []
        for time, number in zip(self.times or range(len(self.numbers)), self.numbers, strict=True):
            frame = _frame(self.draw, number, self.pixels)
            frame.pts, frame.time_base = time, 1 / Fraction(self.rate)
            made += stream.encode(frame)
        return self.change([*made, *stream.encode()])


_OPTIONS = {
    # Two of three pictures are made from the ones before and after, and keys come at their time and not at each change.
    "libx264": {"preset": "veryfast", "qp": "24", "g": "50", "bf": "2", "b_strategy": "0", "sc_threshold": "0"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:keyint=50:bframes=4:b-pyramid=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "g": "50"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "g": "50"},
    "libsvtav1": {"preset": "8", "g": "50"},
    "mpeg2video": {"bf": "2", "g": "12"},
    "mpeg1video": {"bf": "2", "g": "12"},
    "mpeg4": {"g": "50"},
}


def write(path: Path | str, stream: Stream, *, form: str | None = None, **options: str) -> None:
    """Write one stream as a file.

    Args:
        form: the container; without it the one that the name's ending says.
        options: of the container.
    """
    with av.open(str(path), "w", format=form, options=options) as container:
        container.mux(stream.packets(stream.open(container)))


class _Maker:
    """Writes clips into a folder and remembers what a player shows of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clips: list[Clip] = []

    def __call__(
        self,
        name: str,
        stream: Stream | Callable[[Path], Any] | None = None,
        shown: Iterable[int] = range(COUNT),
        *,
        rate: float | None = FPS,
        size: tuple[int, int] = (HEIGHT, WIDTH),
        form: str | None = None,
        **options: str,
    ) -> Path:
        path = self.folder / name
        if callable(stream):
            stream(path)
        else:
            write(path, stream or Stream(), form=form, **options)
        self.clips.append(Clip(name, path, list(shown), rate, size))
        return path


def make_clips(folder: Path) -> list[Clip]:
    """Write all clips into a new folder; some seconds."""
    folder.mkdir(parents=True)
    make = _Maker(folder)
    _new_forms(make)
    _old_forms(make)
    _pictures(make)
    _times(make)
    _edit_lists(make)
    _begun_and_joined(make)
    return make.clips


def _new_forms(make: _Maker) -> None:
    for ending in ("mp4", "mkv", "mov", "ts", "m2ts", "flv", "avi", "3gp", "h264"):
        make(f"h264.{ending}")
    make("h264.m4v", form="mp4")
    make("h264-fragmented.mp4", movflags="frag_keyframe+empty_moov")
    make("h264-index-first.mp4", movflags="faststart")
    large = Stream(numbers=range(50), draw=lambda number: picture(number, 720, 1280))
    make("h264-1280x720.mp4", large, range(50), size=(720, 1280))
    make("h264-intra-refresh.mp4", Stream(options={"intra-refresh": "1", "bf": "0"}))
    make("h264-intra-refresh.ts", Stream(options={"intra-refresh": "1", "bf": "0"}))
    make("h264-open-gop.mp4", Stream(options={"x264-params": "open-gop=1:keyint=20"}))
    make("h264-open-gop.mkv", Stream(options={"x264-params": "open-gop=1:keyint=20"}))
    make(
        "h264-long-gop.mp4",
        Stream(numbers=range(250), options={"g": "250", "bf": "3", "b-pyramid": "normal"}),
        range(250),
    )
    make("h264-interlaced.ts", Stream(options={"flags": "+ildct+ilme"}))
    for ending in ("mp4", "mkv", "ts"):
        make(f"hevc.{ending}", Stream("libx265"))
    long = {"preset": "fast", "x265-params": "log-level=none:pools=none:keyint=250:bframes=4:scenecut=0:b-adapt=0"}
    make("hevc-long-gop.mp4", Stream("libx265", numbers=range(250), options=long), range(250))
    make("hevc-10-bit.mp4", Stream("libx265", "yuv420p10le"))
    make("vp8.webm", Stream("libvpx"))
    # Pictures that are only there for others to be made from are never shown.
    shown = [number for number in range(COUNT) if number % 10 != 5]
    make("vp8-hidden-frames.webm", Stream("libvpx", change=_hiding), shown, rate=(len(shown) - 1) * FPS / (COUNT - 1))
    make("vp8.ogg", Stream("libvpx"))
    make("vp9.webm", Stream("libvpx-vp9"))
    make("vp9.mp4", Stream("libvpx-vp9"))
    make("vp9.ivf", Stream("libvpx-vp9"))
    for ending in ("mp4", "webm"):
        make(f"av1.{ending}", _av1)


def _hiding(packets: Packets) -> Packets:
    """VP8 packets of which every tenth no longer has the bit `show_frame`."""
    data = [bytes(packet) for packet in packets]
    data[5::10] = [bytes([part[0] & ~0x10]) + part[1:] for part in data[5::10]]
    return [_with_data(packet, part) for packet, part in zip(packets, data, strict=True)]


def _av1(path: Path) -> None:
    """In a process of its own, since SVT-AV1 changes its priority: see tests.media_faults."""
    program = "import sys; from tests.numbered_clips import Stream, write; write(sys.argv[1], Stream('libsvtav1'))"
    command = [sys.executable, "-c", program, str(path)]
    subprocess.run(command, cwd=Path(__file__).parents[1], check=True, capture_output=True)


def _old_forms(make: _Maker) -> None:
    backwards = {"bf": "2"}
    for ending in ("avi", "mp4", "mkv"):
        make(f"mpeg4-b-frames.{ending}", Stream("mpeg4", options=backwards))
    make("mpeg4.3gp", Stream("mpeg4"))
    make("mpeg4-packed-b-frames.avi", Stream("mpeg4", options={"bf": "1", "flags": "+bitexact"}, change=_packed))
    make("msmpeg4.avi", Stream("msmpeg4"))
    make("wmv2.asf", Stream("wmv2"))
    make("wmv2.wmv", Stream("wmv2"), form="asf")
    make("wmv1.wmv", Stream("wmv1"), form="asf")
    for ending in ("mpg", "vob", "ts", "mxf", "wtv"):
        make(f"mpeg2.{ending}", Stream("mpeg2video"))
    make("mpeg1.mpg", Stream("mpeg1video"))
    make("h263.3gp", Stream("h263"))
    make("flv1.flv", Stream("flv"))
    make("flv1.swf", Stream("flv"))
    make("real.rm", Stream("rv20"))
    make("mjpeg.avi", Stream("mjpeg", "yuvj420p"))
    make("mjpeg.mov", Stream("mjpeg", "yuvj420p"))
    make("prores.mov", Stream("prores_ks", "yuv422p10le"))
    make("ffv1.mkv", Stream("ffv1"))
    make("huffyuv.avi", Stream("huffyuv", "yuv422p"))
    make("utvideo.avi", Stream("utvideo"))
    make("raw.avi", Stream("rawvideo"))
    make("raw.y4m", Stream("wrapped_avframe"))
    make("cinepak.avi", Stream("cinepak", "rgb24", numbers=range(20)), range(20))
    make("sorenson.mov", Stream("svq1", "yuv410p"))
    make("animation.mov", Stream("qtrle", "rgb24"))
    make("animated.gif", Stream("gif", "rgb8"))
    make("animated.apng", Stream("apng", "rgb24"))
    make("animated-of-changes.gif", _gif)
    for ending in ("avi", "dv"):
        tape = Stream("dvvideo", numbers=range(20), draw=lambda number: picture(number, 576, 720))
        make(f"tape.{ending}", tape, range(20), size=(576, 720))


def _gif(path: Path) -> None:
    """Each picture but the first holds only what has changed."""
    first, *others = (Image.fromarray(picture(number)) for number in range(COUNT))
    first.save(path, save_all=True, append_images=others, duration=1000 // FPS, optimize=True)


def _packed(packets: Packets) -> Packets:
    """As DivX writes B-frames: in the packet of the later frame that they need, followed by a packet of nothing."""
    # A frame (type P, one tick, not coded), and the note by which decoders know of it.
    nothing, note = b"\0\0\1\xb6\x50\xcf", b"\0\0\1\xb2DivX503b1393p"
    data = [bytes(packet) for packet in packets]
    start = data[0].index(b"\0\0\1\xb6")
    data[0] = data[0][:start] + note + data[0][start:]
    kinds = [part[part.index(b"\0\0\1\xb6") + 4] >> 6 for part in data]
    for place in range(len(data) - 1):
        if kinds[place] != 2 and kinds[place + 1] == 2:
            data[place], data[place + 1] = data[place] + data[place + 1], nothing
    return [_with_data(packet, part) for packet, part in zip(packets, data, strict=True)]


def _with_data(packet: Any, data: bytes) -> Any:
    new = av.Packet(data)
    new.stream, new.pts, new.dts, new.time_base = packet.stream, packet.pts, packet.dts, packet.time_base
    new.is_keyframe, new.duration = packet.is_keyframe, packet.duration
    return new


def _pictures(make: _Maker) -> None:
    """Sizes, colours, and what is to be turned."""
    make("h264-cropped.mp4", Stream(draw=lambda number: picture(number, 94, 126)), size=(94, 126))
    make("h264-odd-size-4-4-4.mp4", Stream("libx264", "yuv444p", draw=_odd), size=(95, 127))
    make("vp9-odd-size.webm", Stream("libvpx-vp9", draw=_odd), size=(95, 127))
    make("mpeg4-odd-size.avi", Stream("mpeg4", draw=_odd), size=(95, 127))
    for name, pixels in (
        ("10-bit", "yuv420p10le"),
        ("4-4-4", "yuv444p"),
        ("4-2-2-10-bit", "yuv422p10le"),
        ("full-range", "yuvj420p"),
        ("grey", "gray"),
    ):
        make(f"h264-{name}.mp4", Stream("libx264", pixels))
    make("h264-rgb.mkv", Stream("libx264rgb", "rgb24"))
    # Stored so that turning it as the header says puts it upright, which is what telephones do.
    for quarters, matrix in ((1, (0, 1, -1, 0)), (2, (-1, 0, 0, -1)), (3, (0, -1, 1, 0))):
        turned = make(
            f"turned-{quarters * 90}.mp4",
            partial(_turned, matrix=matrix, draw=lambda n, quarters=quarters: np.rot90(picture(n, 128, 96), quarters)),
            size=(128, 96),
        )
        make(f"turned-{quarters * 90}.mkv", partial(_copied, source=turned), size=(128, 96))
    told = Stream(draw=lambda number: np.rot90(picture(number, 128, 96), -1), change=_telling_to_turn)
    make("turned-by-the-stream.ts", told, size=(128, 96))
    make("mirrored.mp4", partial(_turned, matrix=(-1, 0, 0, 1), draw=lambda number: picture(number)[:, ::-1]))


def _odd(number: int) -> np.ndarray:
    return picture(number, 95, 127)


def _turned(path: Path, matrix: tuple[int, int, int, int], draw: Callable[[int], np.ndarray]) -> None:
    """Write a clip whose track header turns what is stored: x' = a x + c y, y' = b x + d y, with y downwards."""
    write(path, Stream(draw=draw))
    data = bytearray(path.read_bytes())
    [start] = [begin for name, begin, _ in boxes(bytes(data)) if name == "tkhd"]
    height, width = draw(0).shape[:2]
    a, b, c, d = matrix
    # Moved back to where both coordinates begin at 0.
    right, down = -min(0, a * width) - min(0, c * height), -min(0, b * width) - min(0, d * height)
    data[start + 48 : start + 84] = struct.pack(
        ">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, right << 16, down << 16, 1 << 30
    )
    path.write_bytes(bytes(data))


def _telling_to_turn(packets: Packets) -> Packets:
    """H.264 with a message that has what is stored turned by 90 degrees against the clock."""
    stream = packets[0].stream
    messages = av.BitStreamFilterContext("h264_metadata=display_orientation=insert:rotate=90", stream)
    changed = [new for packet in packets for new in messages.filter(packet)]
    for packet in changed:
        packet.stream = stream
    return changed


def _copied(path: Path, source: Path) -> None:
    """Write the packets of a file into another container."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)


def _times(make: _Maker) -> None:
    """Frames at uneven times, late ones, and headers that do not say how long the clip is."""
    times = [time for time in range(2 * COUNT) if time % 10 in {0, 1, 2, 5, 9} or time > 190][: COUNT - 1]
    times.append(times[-1] + 30)
    uneven = Stream(times=times)
    rate = (COUNT - 1) * FPS / (times[-1] - times[0])
    for ending in ("mp4", "mkv", "ts"):
        make(f"uneven.{ending}", uneven, rate=rate)
    make("uneven.avi", uneven, rate=None)  # which has empty packets where no new frame is shown
    make("uneven.webm", Stream("libvpx", times=times), rate=rate)
    make("uneven.gif", Stream("gif", "rgb8", times=times), rate=rate)
    # As a browser records: no length and no index, since what is written cannot be changed any more.
    make("recorded.webm", Stream("libvpx", times=times), rate=rate, live="1")
    make("recorded.mkv", live="1")
    late = Stream(times=range(80, 80 + COUNT))
    for ending in ("mp4", "mkv", "ts"):
        make(f"starts-late.{ending}", late)
    make("29.97.mp4", Stream(rate=Fraction(30_000, 1001)), rate=30_000 / 1001)
    make("29.97.webm", Stream("libvpx", rate=Fraction(30_000, 1001)), rate=30_000 / 1001)
    # The clock of a transport stream has 33 bits and starts anew after 26.5 hours, here after two seconds.
    make("clock-starts-anew.ts", output_ts_offset=str(2**33 / 90_000 - 2))
    make("second-track-is-the-default.mkv", _two_tracks, range(100, 200))


def _two_tracks(path: Path) -> None:
    with av.open(str(path), "w") as container:
        first, second = Stream(), Stream(numbers=range(100, 200))
        tracks = [first.open(container), second.open(container)]
        tracks[1].disposition = av.stream.Disposition.default.value
        packets = [*first.packets(tracks[0]), *second.packets(tracks[1])]
        container.mux(sorted(packets, key=lambda packet: packet.dts))


def _edit_lists(make: _Maker) -> None:
    """Clips that were trimmed without being encoded anew: all frames are there, and a list says which are shown."""
    numbers = range(250)
    h264, hevc, mpeg4, vp9 = (
        make(f"untrimmed-{name}.mp4", Stream(codec, numbers=numbers, options=options), numbers).read_bytes()
        for name, codec, options in (
            ("h264", "libx264", {}),
            ("hevc", "libx265", {}),
            ("mpeg4", "mpeg4", {"bf": "2"}),
            ("vp9", "libvpx-vp9", {}),
        )
    )
    for name, data, parts in (
        ("trimmed.mp4", h264, [(50, 150)]),
        ("trimmed.mov", h264, [(50, 150)]),
        ("trimmed-within-a-gop.mp4", h264, [(61, 150)]),
        ("trimmed-end.mp4", h264, [(0, 107)]),
        ("trimmed-to-two-parts.mp4", h264, [(20, 40), (173, 50)]),
        ("parts-in-another-order.mp4", h264, [(173, 50), (20, 40)]),
        ("part-shown-twice.mp4", h264, [(61, 50), (61, 50)]),
        ("trimmed-hevc.mp4", hevc, [(61, 150)]),
        ("trimmed-mpeg4.mp4", mpeg4, [(61, 150)]),
        ("trimmed-vp9.mp4", vp9, [(61, 150)]),
    ):
        shown = [number for start, count in parts for number in range(start, start + count)]
        make(name, partial(_edited, data=data, parts=parts), shown)
    make("delayed.mp4", partial(_edited, data=h264, parts=[(None, 50), (0, 250)]), numbers)


def _edited(path: Path, data: bytes, parts: list[tuple[int | None, int]]) -> None:
    """Write an mp4 anew, so that it shows only parts of its frames.

    Args:
        parts: the first frame and the number of frames of each part; None as the first where nothing is shown.
    """
    places = {name: begin for name, begin, _ in boxes(data)}
    assert places["moov"] > places["mdat"], "the places of the frames in the file would change with the list"
    [film], [track] = (struct.unpack_from(">I", data, places[name] + 20) for name in ("mvhd", "mdhd"))
    [old] = [begin for name, begin, _ in boxes(data) if name == "edts"]
    size = struct.unpack_from(">I", data, old)[0]
    # What the encoder's own list begins with is the time of the first frame: later than 0 where frames are reordered.
    [first] = struct.unpack_from(">i", data, old + 8 + 20)
    entries = [
        struct.pack(">Iihh", count * film // FPS, -1 if start is None else first + start * track // FPS, 1, 0)
        for start, count in parts
    ]
    new = struct.pack(">II", 0, len(entries)) + b"".join(entries)
    new = struct.pack(">I4sI4s", 16 + len(new), b"edts", 8 + len(new), b"elst") + new
    changed = bytearray(data[:old] + new + data[old + size :])
    for name in ("moov", "trak"):
        struct.pack_into(">I", changed, places[name], struct.unpack_from(">I", data, places[name])[0] + len(new) - size)
    length = sum(count for _, count in parts) * film // FPS
    struct.pack_into(">I", changed, places["mvhd"] + 24, length)
    struct.pack_into(">I", changed, places["tkhd"] + 28, length)
    path.write_bytes(changed)


def _begun_and_joined(make: _Maker) -> None:
    """Cut out of a stream, or written one after another into one file."""

    def cut(codec: str, **options: str) -> Stream:
        return Stream(codec, options=options, change=_from_second_key)

    # What stands before the first key, as shown, would need frames that are not there.
    make("begins-at-an-open-gop.ts", cut("libx264", **{"x264-params": "open-gop=1:keyint=30"}), range(30, COUNT))
    make("begins-at-an-open-gop.mpg", cut("mpeg2video", g="12", bf="2"), range(12, COUNT))
    keys = "log-level=none:pools=none:keyint=32:bframes=4:open-gop=1:scenecut=0:b-adapt=0"
    make("begins-at-an-open-gop-hevc.ts", cut("libx265", preset="fast", **{"x265-params": keys}), range(32, COUNT))
    make("begins-within-a-gop.ts", Stream(change=lambda packets: packets[20:]), range(50, COUNT))
    begun, ended = range(COUNT // 2), range(COUNT // 2, COUNT)
    for ending in ("ts", "h264"):
        make(f"joined.{ending}", partial(_joined, streams=[Stream(numbers=begun), Stream(numbers=ended)]))
        larger = Stream(numbers=ended, draw=lambda number: picture(number, 144, 192))
        make(f"size-changes.{ending}", partial(_joined, streams=[Stream(numbers=begun), larger]))
    mpeg2 = [Stream("mpeg2video", numbers=numbers) for numbers in (begun, ended)]
    make("joined.vob", partial(_joined, streams=mpeg2))


def _from_second_key(packets: Packets) -> Packets:
    keys = [place for place, packet in enumerate(packets) if packet.is_keyframe]
    return packets[keys[1] :]


def _joined(path: Path, streams: list[Stream]) -> None:
    """As `cat` joins files: the clock of each begins anew."""
    data = b""
    for stream in streams:
        write(path, stream)
        data += path.read_bytes()
    path.write_bytes(data)


if __name__ == "__main__":
    for clip in make_clips(Path(sys.argv[1])):
        print(len(clip.shown), clip.rate, clip.name)
