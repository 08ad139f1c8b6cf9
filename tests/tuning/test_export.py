"""What is exported loads everywhere without what it was made of, says where it comes from, and is never half there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("transformers")

import torch
import transformers
from safetensors.torch import load_file

from speechagents.backends import CONTROLLERS
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Speaker
from speechagents.controllers.transformers import TransformersModel
from speechagents.errors import SettingsError, StorageError, TuningError, WeightsMissing
from speechagents.preset_file import read_preset
from speechagents.tuning import export as export_module
from speechagents.tuning.breadcrumbs import Breadcrumbs
from speechagents.tuning.export import Exported, export
from speechagents.tuning.export_card import CARD, licence_of
from speechagents.tuning.export_preset import check_preset_place, write_preset
from speechagents.tuning.merging import Merge
from speechagents.tuning.recipe import Adapter, AdapterKind, Base
from speechagents.tuning.unit_family import UnitFamily
from speechagents.tuning.weight_files import INDEX, WEIGHTS
from speechagents.units.tokens import train_tokens
from tests.controllers.tiny_models import BUILDERS
from tests.tuning.tuned_models import adapter, loaded, merged_by_peft, small_text_model, whole

LICENCE = "---\nlicense: apache-2.0\nlanguage: [en]\n---\n# Harbour brain\n"
RUN = {"version": 1, "recipe": {"name": "mine", "digest": "a1"}, "data": {"digest": "b2c3"}, "steps": 5}
RECIPE = """\
name: mine
about: A recipe of one's own.REST
family: chat
base: {model: MODEL}
adapter: {kind: lora, rank: 4, alpha: 8}
data: {agent: 0.5, general: /somewhere/else/general.jsonl}
training: {steps: 5}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small_text_model(tmp_path_factory.mktemp("models") / "harbour-brain", tied=True)
    (folder / CARD).write_text(LICENCE, "utf-8")
    return folder


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return BUILDERS["qwen2_audio"](tmp_path_factory.mktemp("models") / "harbour-ears")


@pytest.fixture(scope="module")
def tuned(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter as a run leaves it."""
    run = tmp_path_factory.mktemp("runs") / "night-ferry"
    folder = adapter(base, run / "model")
    text = RECIPE.replace("MODEL", str(base)).replace("REST", " And so on." * 60)
    (run / "recipe.yaml").write_text(text, "utf-8")
    (run / "run.json").write_text(json.dumps(RUN), "utf-8")
    return folder


def logits(model: Any, count: int = 12) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=torch.arange(count)[None] + 300).logits
    return found


def provenance(folder: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((folder / "speechagents.json").read_text("utf-8"))
    return found


def test_it_loads_as_a_model_that_chats(base: Path, tuned: Path, tmp_path: Path) -> None:
    export([tuned], tmp_path / "out")
    out = str(tmp_path / "out")
    model = transformers.AutoModelForCausalLM.from_pretrained(out, local_files_only=True)
    wanted = loaded(base)
    wanted.load_state_dict(merged_by_peft(base, tuned))
    assert torch.equal(logits(model), logits(wanted))
    assert not torch.equal(logits(model), logits(loaded(base)))
    tokenizer = transformers.AutoTokenizer.from_pretrained(out, local_files_only=True)
    said = tokenizer.apply_chat_template([{"role": "user", "content": "Is it raining?"}], tokenize=False)
    assert said == "<|im_start|>user\nIs it raining?<|im_end|>\n"


def test_it_loads_as_a_model_that_hears(hearing: Path, tmp_path: Path) -> None:
    tuned = adapter(hearing, tmp_path / "ears" / "model")
    export([tuned], tmp_path / "out")
    out = str(tmp_path / "out")
    model = transformers.AutoModelForMultimodalLM.from_pretrained(out, local_files_only=True)
    assert type(model).__name__ == "Qwen2AudioForConditionalGeneration"
    found = model.state_dict()
    assert all(torch.equal(found[name], one) for name, one in merged_by_peft(hearing, tuned).items())
    kind: Any = transformers.AutoProcessor
    processor = kind.from_pretrained(out, local_files_only=True)
    mark, sound = "<|audio_bos|><|AUDIO|><|audio_eos|>", torch.zeros(16_000).numpy()
    heard = processor(text=mark, audio=[sound], return_tensors="pt")
    assert heard["input_features"].shape[1] == 80


def test_a_controller_plays_it_as_if_it_had_the_adapter(base: Path, tuned: Path, tmp_path: Path) -> None:
    export([tuned], tmp_path / "out")
    # What PEFT merges and the library saves.
    wanted = loaded(base)
    wanted.load_state_dict(merged_by_peft(base, tuned))
    shutil.copytree(base, tmp_path / "wanted", ignore=shutil.ignore_patterns("*.safetensors"))
    wanted.save_pretrained(tmp_path / "wanted")
    message = PromptMessage(Speaker.USER, (Part("Anna waits at the door. What do you say?"),))
    asked = [Prompt((message,), {}, max_tokens=8)]
    answers = [
        [reply.text for reply in TransformersModel(model=str(folder), device="cpu").generate(asked, seed=3)]
        for folder in (tmp_path / "out", tmp_path / "wanted")
    ]
    assert answers[0] == answers[1]


def test_it_has_what_vllm_asks_for(base: Path, tuned: Path, tmp_path: Path) -> None:
    export([tuned], tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *("config.json", WEIGHTS, "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
        *("chat_template.jinja", CARD, "speechagents.json"),
    }
    config = json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))
    assert (config["model_type"], config["architectures"]) == ("qwen2", ["Qwen2ForCausalLM"])
    assert set(load_file(tmp_path / "out" / WEIGHTS)) == set(load_file(base / WEIGHTS))
    assert transformers.AutoConfig.from_pretrained(tmp_path / "out").tie_word_embeddings


def test_it_says_of_what_it_was_made(base: Path, tuned: Path, tmp_path: Path) -> None:
    exported = export([tuned], tmp_path / "out", merge=Merge((0.5,), Breadcrumbs(0.2, 0.9)))
    said = provenance(tmp_path / "out")
    assert said["base"]["name"] == "harbour-brain"
    assert said["base"]["licence"] == "apache-2.0"
    assert said["base"]["files"][WEIGHTS] == hashlib.sha256((base / WEIGHTS).read_bytes()).hexdigest()
    (model,) = said["models"]
    assert (model["name"], model["kind"], model["strength"]) == ("night-ferry", "adapter", 0.5)
    assert (model["recipe"]["name"], model["run"], model["adapter"]["r"]) == ("mine", RUN, 4)
    adapter_file = tuned / "adapter_model.safetensors"
    assert model["files"][adapter_file.name] == hashlib.sha256(adapter_file.read_bytes()).hexdigest()
    assert (said["merge"]["kind"], said["merge"]["keep_from"], said["merge"]["keep_to"]) == ("breadcrumbs", 0.2, 0.9)
    assert said["merge"]["kept"] == exported.merged.kept
    assert set(said["files"]) == {path.name for path in (tmp_path / "out").iterdir()} - {CARD, "speechagents.json"}
    for name, digest in said["files"].items():
        assert digest == hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest()


def test_its_card_says_what_it_is_and_what_was_not_tried(tuned: Path, tmp_path: Path) -> None:
    export([tuned], tmp_path / "out", merge=Merge((1.0,), Breadcrumbs(0.2, 0.9)))
    card = (tmp_path / "out" / CARD).read_text("utf-8")
    head = yaml.safe_load(card.split("---")[1])
    assert head["base_model"] == "harbour-brain"
    assert head["license"] == "apache-2.0"
    flat = " ".join(card.split())
    assert "LoRA adapter of rank 4, alpha 8" in flat
    assert "by the recipe `mine`: A recipe of one's own." in flat
    assert "on the data `b2c3`" in flat
    assert "arXiv 2312.06795" in flat
    assert "between the shares 0.2 and 0.9" in flat
    assert "vLLM was not run" in flat


def test_no_path_of_this_machine_gets_into_it(tuned: Path, tmp_path: Path) -> None:
    export([tuned], tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        data = path.read_bytes()
        assert b"/somewhere" not in data
        assert str(tmp_path.parent).encode() not in data, path.name


def test_the_same_models_give_the_same_folder(tuned: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export([tuned], tmp_path / name, shard_bytes=50_000)
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert INDEX in files
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "one", local_files_only=True)
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_a_folder_is_whole_or_not_there(tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(export_module, "card", killed)
    with pytest.raises(KeyboardInterrupt):
        export([tuned], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_is_in_a_folder_stays(tuned: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("Dear Anna", "utf-8")
    with pytest.raises(TuningError, match=r"out: is a folder that holds something; choose another --out"):
        export([tuned], tmp_path / "out")
    (tmp_path / "out" / "letter.txt").unlink()
    export([tuned], tmp_path / "out")
    (tmp_path / "file").write_text("Dear Anna", "utf-8")
    with pytest.raises(TuningError, match="file: is a file"):
        export([tuned], tmp_path / "file")


def test_a_disk_without_room_is_told_beforehand(tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000_000))
    with pytest.raises(StorageError, match=r"needs 0\.2 GB, 0\.0 GB are free"):
        export([tuned], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_base_that_is_not_here_is_asked_for(tuned: Path, base: Path, tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    shutil.copytree(tuned, lost)
    settings = json.loads((lost / "adapter_config.json").read_text("utf-8"))
    path = lost / "adapter_config.json"
    path.write_text(json.dumps({**settings, "base_model_name_or_path": "acme/not-here"}), "utf-8")
    with pytest.raises(WeightsMissing, match="acme/not-here"):
        export([lost], tmp_path / "out")
    assert export([lost], tmp_path / "out", base=str(base)).base == "harbour-brain"
    path.write_text(json.dumps({**settings, "base_model_name_or_path": None}), "utf-8")
    with pytest.raises(TuningError, match="nothing says which model it was tuned from; give its folder by --base"):
        export([lost], tmp_path / "again")


def test_a_base_of_random_weights_is_found_in_the_folder_of_the_run(base: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    shutil.copytree(base, first / "base")
    adapter(first / "base", first / "model")
    first.rename(tmp_path / "moved")
    exported = export([tmp_path / "moved"], tmp_path / "out")
    assert exported.base == ""
    assert exported.merged.changed == 4
    assert "A model tuned from random weights." in (tmp_path / "out" / CARD).read_text("utf-8")


def test_models_of_several_bases_are_refused(tuned: Path, hearing: Path, tmp_path: Path) -> None:
    other = adapter(hearing, tmp_path / "other")
    with pytest.raises(TuningError, match="tuned from harbour-brain and harbour-ears; merge models of one base"):
        export([tuned, other], tmp_path / "out")
    with pytest.raises(TuningError, match="a model is given twice"):
        export([tuned, tuned.parent], tmp_path / "out")
    with pytest.raises(TuningError, match="nothing is to be merged"):
        export([], tmp_path / "out")


def test_a_whole_model_goes_back_to_the_format_of_its_base(tmp_path: Path) -> None:
    base = small_text_model(tmp_path / "half", tied=False, dtype="bfloat16")
    run = tmp_path / "run"
    whole(base, run / "model")
    text = (
        RECIPE.replace("MODEL", str(base))
        .replace("REST", "")
        .replace("{kind: lora, rank: 4, alpha: 8}", "{kind: full}")
    )
    (run / "recipe.yaml").write_text(text, "utf-8")
    export([run], tmp_path / "out")
    wanted = load_file(run / "model" / WEIGHTS)
    found = load_file(tmp_path / "out" / WEIGHTS)
    assert {one.dtype for one in wanted.values()} == {torch.float32}
    assert all(torch.equal(found[name], one.to(torch.bfloat16)) for name, one in wanted.items())


def test_an_index_that_lies_is_refused(base: Path, tmp_path: Path) -> None:
    tuned = whole(base, tmp_path / "run" / "model")
    (tmp_path / "run" / "letter.safetensors").write_text("Dear Anna", "utf-8")
    for places in ({"weight_map": {"a": "../letter.safetensors"}}, {}):
        (tuned / INDEX).write_text(json.dumps(places), "utf-8")
        with pytest.raises(TuningError, match=INDEX):
            export([tuned], tmp_path / "out", base=str(base))


def test_a_whole_model_without_a_base_is_exported_as_it_is(base: Path, tmp_path: Path) -> None:
    tuned = whole(base, tmp_path / "run" / "model")
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(tuned)
    exported = export([tuned], tmp_path / "out")
    assert (exported.base, exported.merged.weights) == ("", 0)
    assert torch.equal(logits(loaded(tmp_path / "out")), logits(loaded(tuned)))
    with pytest.raises(TuningError, match="nothing says which model it was tuned from"):
        export([tuned], tmp_path / "half", merge=Merge((0.5,)))


def test_the_tuned_models_own_tokenizer_comes_first(base: Path, tmp_path: Path) -> None:
    first, second = (adapter(base, tmp_path / name / "model", seed=seed) for name, seed in (("a", 1), ("b", 2)))
    for folder in (first, second):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(base / name, folder / name)
        (folder / "chat_template.jinja").write_text("{{ messages[0].content }}", "utf-8")
    export([first, second], tmp_path / "out")
    assert (tmp_path / "out" / "chat_template.jinja").read_text("utf-8") == "{{ messages[0].content }}"
    changed = json.loads((second / "tokenizer.json").read_text("utf-8"))
    changed["added_tokens"] = changed["added_tokens"][:-1]
    (second / "tokenizer.json").write_text(json.dumps(changed), "utf-8")
    with pytest.raises(TuningError, match="the tokenizers of the models differ"):
        export([first, second], tmp_path / "again")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantization_config": {"quant_method": "awq"}}, "quantization_config: the base is quantised"),
        ({"architectures": None}, "says no architecture"),
        ({"architectures": []}, "says no architecture"),
    ],
)
def test_a_base_that_nothing_can_be_added_to_is_refused(
    changes: Mapping[str, Any], said: str, base: Path, tuned: Path, tmp_path: Path
) -> None:
    shutil.copytree(base, tmp_path / "spoilt")
    config = json.loads((base / "config.json").read_text("utf-8"))
    (tmp_path / "spoilt" / "config.json").write_text(json.dumps({**config, **changes}), "utf-8")
    with pytest.raises(TuningError, match=rf"spoilt/config\.json: {said}"):
        export([tuned], tmp_path / "out", base=str(tmp_path / "spoilt"))
    assert not (tmp_path / "out").exists()


def test_a_base_of_pickles_is_refused(base: Path, tuned: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "pickled", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(WeightsMissing, match="holds no"):
        export([tuned], tmp_path / "out", base=str(tmp_path / "pickled"))


def test_a_base_without_a_tokenizer_is_refused(base: Path, tuned: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "mute", ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(TuningError, match="mute: has no tokenizer, nor has the tuned model"):
        export([tuned], tmp_path / "out", base=str(tmp_path / "mute"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mute"]


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (LICENCE, "apache-2.0"),
        ("---\nlicense: other\nlicense_name: harbour-terms\n---\n", "harbour-terms"),
        ("---\nlicense: other\n---\n", ""),
        ("---\nlicense: [a, b]\n---\n", ""),
        ("---\n: [\n---\n", ""),
        ("# No head", ""),
        ("", ""),
    ],
)
def test_the_licence_is_what_the_bases_card_names(card: str, licence: str, tmp_path: Path) -> None:
    (tmp_path / CARD).write_text(card, "utf-8")
    assert licence_of(tmp_path) == licence


def test_a_model_of_units_is_exported_with_its_vocabulary(tmp_path: Path) -> None:
    tokens = train_tokens(["Anna waits at the door with an umbrella."], units=16, pieces=300)
    sizes = Base(random="llama-units", layers=1, width=16, heads=2, feed=16)
    family = UnitFamily(tokens, sizes, Adapter(AdapterKind.FULL), context=64, seed=1)
    model = family.load()
    family.save(model, tmp_path / "run" / "model")
    exported = export([tmp_path / "run"], tmp_path / "understudy" / "lm")
    assert exported.architecture == "LlamaForCausalLM"
    again = transformers.AutoModelForCausalLM.from_pretrained(exported.folder, local_files_only=True)
    assert torch.equal(logits(again), logits(model.cpu()))
    ids = transformers.AutoTokenizer.from_pretrained(exported.folder)("<says>Anna<style:calm><u3><u15>")["input_ids"]
    assert ids == list(tokens.encode("<says>Anna<style:calm><u3><u15>"))
    with pytest.raises(SettingsError, match="a model of speech units needs the codec of its units"):
        write_preset(tmp_path / "mine.yaml", exported)
    (tmp_path / "understudy" / "codec").mkdir()
    write_preset(tmp_path / "mine.yaml", exported)
    preset = read_preset(tmp_path / "mine.yaml")
    assert (preset.controller, preset.synthesizer) == ("units", "unit-speech")
    assert preset.controller_options["model"] == preset.options["model"] == str(tmp_path / "understudy")


def test_an_adapter_of_a_model_of_units_is_merged(tmp_path: Path) -> None:
    tokens = train_tokens(["Anna waits at the door with an umbrella."], units=16, pieces=300)
    sizes = Base(random="llama-units", layers=1, width=16, heads=2, feed=16)
    family = UnitFamily(tokens, sizes, Adapter(AdapterKind.FULL), context=64, seed=1)
    family.save(family.load(), tmp_path / "base")
    tuned = adapter(tmp_path / "base", tmp_path / "run" / "model")
    export([tuned], tmp_path / "out")
    found = loaded(tmp_path / "out").state_dict()
    wanted = merged_by_peft(tmp_path / "base", tuned)
    assert all(torch.equal(found[name], one) for name, one in wanted.items())


def test_a_preset_names_the_model_and_what_it_may_be_used_for(tuned: Path, tmp_path: Path) -> None:
    exported = export([tuned], tmp_path / "out")
    assert write_preset(tmp_path / "My Ferry.yaml", exported) == "my-ferry"
    preset = read_preset(tmp_path / "My Ferry.yaml")
    assert (preset.name, preset.controller, preset.synthesizer) == ("my-ferry", "transformers", "espeak")
    assert [(one.name, one.commercial) for one in preset.licences][1:] == [("Apache-2.0", True)]
    controller = CONTROLLERS.load(preset.controller, preset.controller_options)
    assert controller.identity.startswith("prompted 1 transformers 1 out ")


@pytest.mark.parametrize(("licence", "shown"), [("harbour-terms", "harbour-terms"), ("", "that of harbour-brain")])
def test_what_a_licence_does_not_plainly_allow_is_not_promised(
    licence: str, shown: str, tuned: Path, tmp_path: Path
) -> None:
    made = export([tuned], tmp_path / "out")
    exported = Exported(made.folder, made.base, made.models, licence, made.architecture, made.merged)
    write_preset(tmp_path / "mine.yaml", exported)
    preset = read_preset(tmp_path / "mine.yaml")
    assert preset.licence == shown
    assert not preset.commercial


def test_a_file_that_is_there_is_no_place_for_a_preset(tmp_path: Path) -> None:
    check_preset_place(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text("mine", "utf-8")
    with pytest.raises(SettingsError, match="is there already"):
        check_preset_place(tmp_path / "mine.yaml")
    with pytest.raises(SettingsError, match=r"let it end in \.yaml"):
        check_preset_place(tmp_path / "mine.json")
