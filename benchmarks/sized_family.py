"""Models of the size of large ones, with random weights: how fast they train does not depend on what they know.

Owns the sizes that are no part of `tuning.memory_estimate`: those of what hears and sees. Does not know what is
measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from speechagents.errors import SpeechAgentsError

if TYPE_CHECKING:
    from speechagents.tuning.memory_estimate import Shape
    from speechagents.tuning.recipe import Recipe

_EARS: Final = {"d_model": 1280, "encoder_layers": 32, "encoder_attention_heads": 20, "encoder_ffn_dim": 5120}
TOWERS: Final[Mapping[str, Mapping[str, Mapping[str, int]]]] = {
    "qwen2_audio": {"audio_config": _EARS},
    "qwen2_5_omni_thinker": {
        "audio_config": {**_EARS, "output_dim": 3584},
        "vision_config": {
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "out_hidden_size": 3584,
        },
    },
}
"""Sizes of what hears and sees in the bases of shipped recipes, by type of model; from their configurations."""
_ALIKE: Final = 0.02
"""So much may the weights of towers differ from those counted: the small base hears fewer bands."""


class SizedFamily:
    """A family whose tokens are those of a small base, and whose model has the size of a large one.

    Args:
        family: Of the small base.
        recipe: Says what is learnt.
        shape: Of the large base.
        device: Where its weights are made.
        towers: As `TOWERS`.
    """

    def __init__(
        self,
        family: Any,
        recipe: Recipe,
        shape: Shape,
        device: str,
        towers: Mapping[str, Mapping[str, Mapping[str, int]]] = TOWERS,
    ) -> None:
        self._recipe = recipe
        self._shape = shape
        self._device = device
        self._towers = towers
        self.example = family.example
        self.collate = family.collate
        self._small = family

    def load(self) -> Any:
        """The large model, with random weights.

        Raises:
            SpeechAgentsError: Nobody knows the sizes of its towers.
        """
        import torch
        import transformers

        from speechagents.tuning.adapters import fitted
        from speechagents.tuning.recipe import AdapterKind

        small = self._small.load()
        config = (small.get_base_model() if hasattr(small, "get_base_model") else small).config
        kind = getattr(transformers, config.architectures[0])
        shape, text = self._shape, config.get_text_config()
        for name, value in (
            ("hidden_size", shape.width),
            ("intermediate_size", shape.feed),
            ("num_hidden_layers", shape.layers),
            ("num_attention_heads", shape.heads),
            ("num_key_value_heads", shape.key_heads),
            ("vocab_size", shape.vocabulary),
            ("tie_word_embeddings", shape.tied),
        ):
            setattr(text, name, value)
        if getattr(text, "layer_types", None):
            text.layer_types = [text.layer_types[0]] * shape.layers
        if "mrope_section" in (getattr(text, "rope_parameters", None) or {}):
            # A quarter for time, the rest for height and width, as Qwen2.5-Omni has it.
            half = shape.head_width // 2
            side = half * 3 // 8
            text.rope_parameters = {**text.rope_parameters, "mrope_section": [half - 2 * side, side, side]}
        for part, sizes in self._towers.get(config.model_type, {}).items():
            for name, value in sizes.items():
                setattr(getattr(config, part), name, value)
        lora = self._recipe.adapter.kind is AdapterKind.LORA
        with torch.device(self._device):
            model = kind(config).to(torch.bfloat16 if lora and self._device.startswith("cuda") else torch.float32)
        others = model.num_parameters() - shape.language_weights
        if abs(others - shape.others) > _ALIKE * shape.others:
            raise SpeechAgentsError(f"its towers would have {others:,} weights, and those of the base {shape.others:,}")
        return fitted(model, self._recipe.adapter, seed=self._recipe.training.seed)
