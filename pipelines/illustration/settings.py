"""How a picture is painted: the numbers a person may turn, and their limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from pipelines.failure import CraftError

STORYBOOK = "storybook"
SAMPLERS = ("ddim", "euler", "dpmpp", "unipc")
SIZES = (256, 384, 512, 640, 768, 1024)


@dataclass(frozen=True)
class PaintingLimit:
    """The range of one number of ``PaintingSettings``."""

    name: str
    minimum: float
    maximum: float
    step: float


LIMITS = (
    PaintingLimit("num_inference_steps", 1, 60, 1),
    PaintingLimit("guidance_scale", 1.0, 20.0, 0.5),
    PaintingLimit("strength", 0.1, 1.0, 0.05),
)


@dataclass(frozen=True)
class PaintingSettings:
    """
    Attributes:
        base: ``storybook`` or the id of an installed Stable Diffusion base.
        num_inference_steps: of a whole painting; painting over a layout takes the last ``strength`` of them.
        guidance_scale: how closely the painter keeps to the words.
        strength: how much of the layout is painted over, 0..1.
        sampler: one of ``SAMPLERS``.
        size: width and height in pixels, one of ``SIZES``.
    """

    base: str = STORYBOOK
    num_inference_steps: int = 10
    guidance_scale: float = 4.0
    strength: float = 0.6
    sampler: str = "ddim"
    size: int = 512

    def checked(self) -> PaintingSettings:
        """The settings with numbers of the right kind.

        Raises:
            CraftError: ``painting_setting`` (out of its range), ``painting_choice`` (not among the choices),
                ``painting_no_steps`` (so few steps that nothing is painted).
        """
        for limit in LIMITS:
            value = getattr(self, limit.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                value = float("nan")
            if not limit.minimum <= value <= limit.maximum:
                raise CraftError(
                    "painting_setting",
                    setting=limit.name,
                    value=str(getattr(self, limit.name))[:20],
                    minimum=limit.minimum,
                    maximum=limit.maximum,
                )
        for name, choices in (("sampler", SAMPLERS), ("size", SIZES)):
            if getattr(self, name) not in choices:
                raise CraftError(
                    "painting_choice",
                    setting=name,
                    value=str(getattr(self, name))[:20],
                    choices=", ".join(map(str, choices)),
                )
        if int(self.num_inference_steps * self.strength) < 1:
            raise CraftError("painting_no_steps", steps=self.num_inference_steps, strength=self.strength)
        return replace(self, num_inference_steps=int(self.num_inference_steps))

    def to_json(self) -> dict:
        return asdict(self)
