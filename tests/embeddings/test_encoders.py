"""Encoders give the same vector for the same picture, whatever shape it comes in, and say what they are."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from isocenter.core.errors import BadInput, NotFound, UsageError
from isocenter.embeddings import api
from isocenter.embeddings.api import key, open_encoder, vectors
from isocenter.embeddings.pink import pink_pictures
from isocenter.embeddings.prepare import Views, planes, spread

RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 256, (50, 70), dtype=np.uint8)
SMOOTH = np.asarray(Image.fromarray(GREY).resize((8, 8)).resize((70, 50)))
NEED_A_MODEL = {"transformers", "torchscript", "onnx"}
BUILT_IN = sorted(set(api.ENCODERS.names()) - NEED_A_MODEL)


@pytest.fixture(scope="module", params=BUILT_IN)
def encoder(request):
    return open_encoder(request.param, "cpu")


def test_rows_have_the_cards_dimension_and_unit_length_where_it_says_so(encoder):
    rows = vectors(encoder, [GREY, SMOOTH])
    assert rows.shape == (2, encoder.card.dimension)
    assert rows.dtype == np.float32
    if encoder.card.unit:
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_the_same_picture_gives_the_same_row_alone_and_in_a_batch(encoder):
    assert np.allclose(vectors(encoder, [SMOOTH, GREY])[1], vectors(encoder, [GREY])[0], atol=1e-4)


def test_grey_stored_as_rgb_is_the_same_picture(encoder):
    assert np.allclose(vectors(encoder, [np.stack([GREY] * 3, -1)]), vectors(encoder, [GREY]), rtol=1e-3, atol=1e-3)


def test_volumes_and_videos_have_one_row(encoder):
    volume = RNG.integers(-1000, 2000, (40, 30, 11)).astype(np.int16)
    video = RNG.integers(0, 256, (6, 40, 30, 3), dtype=np.uint8)
    assert vectors(encoder, [volume]).shape == (1, encoder.card.dimension)
    assert np.isfinite(vectors(encoder, [video], axes="tyxc")).all()


def test_sixteen_bits_and_their_eight_bit_export_are_near(encoder):
    deep = (SMOOTH.astype(np.uint16) * 16).astype(np.uint16)
    rows = vectors(encoder, [deep, SMOOTH])
    if encoder.card.name in ("thumbnail", "random-conv", "phash"):
        assert rows[0] @ rows[1] > 0.95


def test_local_features_find_a_picture_that_was_cropped_turned_and_re_windowed():
    pictures = pink_pictures(12, 200, seed=5)
    copy = np.rot90((pictures[4][15:180, 25:190].astype(float) * 0.6 + 50).astype(np.uint8))
    local = open_encoder("local-features", "cpu")
    rows = vectors(local, [*pictures, copy])
    assert int((rows[:-1] @ rows[-1]).argmax()) == 4
    assert not vectors(local, [np.full((64, 64), 7, np.uint8)]).any()


def test_keys_name_encoder_revision_and_every_choice_of_the_transform():
    assert key(open_encoder("thumbnail")) == "thumbnail@1+grey32x32-box-p0.5,99.5-mean8"
    assert key(open_encoder("thumbnail?slices=16&window=-160,240")) == "thumbnail@1+grey32x32-box-w-160,240-mean16"


def test_a_volume_is_cut_along_z_and_a_described_array_along_its_description():
    volume = np.zeros((4, 5, 6), np.int16)
    assert [plane.shape for plane in planes(volume)] == [(5, 4)] * 6
    assert [plane.shape for plane in planes(volume, "zyx")] == [(5, 6)] * 4
    assert [plane.shape for plane in planes(np.zeros((9, 8, 3), np.uint8))] == [(9, 8, 3)]
    assert spread(list(range(100)), 4) == [12, 37, 62, 87]


@pytest.mark.parametrize("pixels", [np.zeros((0, 4)), np.zeros(5), np.array([["a"]]), np.full((4, 4), np.nan)])
def test_what_cannot_be_a_picture_is_refused(pixels):
    with pytest.raises(BadInput):
        Views((8, 8))(pixels)


def test_mistakes_in_a_spec_say_what_to_type():
    with pytest.raises(NotFound, match="thumbnail"):
        open_encoder("thumbnial")
    with pytest.raises(UsageError, match="no such option"):
        open_encoder("thumbnail?colour=1")
    with pytest.raises(UsageError, match="slices=16"):
        open_encoder("thumbnail?slices=many")


def test_an_encoder_is_one_file_in_the_workspace(tmp_path):
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "mean_value.py").write_text('''
import numpy as np
from isocenter.embeddings.api import Card
from isocenter.embeddings.prepare import Views

class Mean:
    card = Card("mean-value", "1", 2, "8×8 grey", "CC0-1.0")
    transform = Views((8, 8))
    def encode(self, batch):
        return np.array([[view.mean(), 255 - view.mean()] for view in batch], np.float32)

def load(target, device):
    return Mean()
''')
    assert vectors(open_encoder("mean-value", plugins=tmp_path), [GREY]).shape == (1, 2)


@pytest.fixture(scope="module")
def tiny_vit(tmp_path_factory):
    import torch
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "tiny-vit"
    ViTModel(ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8)).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


def test_a_local_transformers_model_gives_what_the_library_gives(tiny_vit):
    import torch
    from transformers import AutoImageProcessor, AutoModel

    encoder = open_encoder(f"transformers:{tiny_vit}", "cpu")
    picture = np.stack([SMOOTH, GREY, SMOOTH], -1)
    pixels = AutoImageProcessor.from_pretrained(tiny_vit, backend="pil")(images=Image.fromarray(picture), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        theirs = AutoModel.from_pretrained(tiny_vit)(pixel_values=pixels).pooler_output
    ours = vectors(encoder, [picture])
    assert float(torch.nn.functional.cosine_similarity(torch.from_numpy(ours), theirs)[0]) > 0.9999
    assert (encoder.card.name, encoder.card.licence, encoder.card.dimension) == ("tiny-vit", "mit", 32)
    assert len(encoder.card.weights_hash) == 64
    assert encoder.card.revision.startswith(encoder.card.weights_hash[:12])


@pytest.mark.parametrize(("processor", "options"), [
    ("ViTImageProcessorPil", {"size": {"height": 32, "width": 32}}),
    ("BitImageProcessorPil", {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}}),
    ("ConvNextImageProcessorPil", {"size": {"shortest_edge": 32}}),
])
def test_views_are_what_the_models_own_processor_makes(tiny_vit, tmp_path, processor, options):
    import transformers

    from isocenter.embeddings.models import network_input

    shutil.copytree(tiny_vit, tmp_path / "model")
    own = getattr(transformers, processor)(**options)
    own.save_pretrained(tmp_path / "model")
    encoder = open_encoder(f"transformers:{tmp_path / 'model'}", "cpu")
    picture = np.stack([SMOOTH, GREY, SMOOTH], -1)
    theirs = own(images=Image.fromarray(picture), return_tensors="pt")["pixel_values"]
    ours = network_input(encoder.transform(picture), encoder.mean, encoder.std, "cpu", theirs.dtype)
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) < 1e-5


def test_a_checkpoint_without_safetensors_is_refused(tiny_vit, tmp_path):
    import torch

    (tmp_path / "config.json").write_text((tiny_vit / "config.json").read_text())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(BadInput, match="no vision model"):
        open_encoder(f"transformers:{tmp_path}", "cpu")


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
def test_torchscript_and_its_module_agree(tmp_path):
    import torch

    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 12, 5, stride=2), torch.nn.ReLU()).eval()
    torch.jit.trace(module, torch.zeros(1, 3, 32, 32)).save(str(tmp_path / "net.pt"))
    encoder = open_encoder(f"torchscript:{tmp_path / 'net.pt'}?size=32&mean=0&std=1", "cpu")
    view = encoder.transform(GREY)[0].copy()
    expected = module(torch.from_numpy(view).permute(2, 0, 1)[None].float() / 255).mean((2, 3)).detach().numpy()
    assert np.allclose(encoder.encode([view]), expected, atol=1e-5)
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="TorchScript"):
        open_encoder(f"torchscript:{tmp_path / 'bad.pt'}", "cpu")


def onnx_mean_of_channels() -> bytes:
    """A model of one node, GlobalAveragePool, written by hand in ONNX's wire format (protobuf)."""

    def field(number: int, value: bytes | int) -> bytes:
        if isinstance(value, int):
            return bytes([number << 3, value])
        return bytes([number << 3 | 2, len(value)]) + value

    def tensor(name: bytes, *sides: bytes | int) -> bytes:
        dims = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in sides)
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))

    node = field(1, b"x") + field(2, b"y") + field(4, b"GlobalAveragePool")
    graph = field(1, node) + field(2, b"g") + field(11, tensor(b"x", b"n", 3, 16, 24)) + field(12, tensor(b"y", b"n", 3, 1, 1))
    return field(1, 8) + field(8, field(2, 13)) + field(7, graph)


def test_an_onnx_model_tells_its_own_input_size(tmp_path):
    (tmp_path / "mean.onnx").write_bytes(onnx_mean_of_channels())
    encoder = open_encoder(f"onnx:{tmp_path / 'mean.onnx'}?mean=0&std=1", "cpu")
    assert (encoder.transform.size, encoder.card.dimension) == ((16, 24), 3)
    coloured = np.stack([GREY, GREY // 2, GREY // 4], -1)
    assert np.allclose(encoder.encode(encoder.transform(coloured))[0] * 255, coloured.mean((0, 1)), atol=2)
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="onnxruntime"):
        open_encoder(f"onnx:{tmp_path / 'bad.onnx'}", "cpu")


def test_out_of_memory_is_told_from_other_faults():
    from isocenter.embeddings.pipeline import out_of_memory

    assert out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate"))
    assert not out_of_memory(RuntimeError("shape mismatch"))


def test_unit_leaves_rows_of_zeros():
    assert api.unit(np.zeros((1, 3))).tolist() == [[0, 0, 0]]


@pytest.mark.gpu
def test_a_gpu_gives_nearly_the_same_rows_in_bfloat16(tiny_vit):
    ours, theirs = (vectors(open_encoder(f"transformers:{tiny_vit}", device), [GREY, SMOOTH]) for device in ("cuda", "cpu"))
    assert (ours * theirs).sum(axis=1).min() > 0.99
