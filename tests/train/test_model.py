from __future__ import annotations

import pytest
import torch

from winnow.errors import ConfigError
from winnow.train.attention import attend, document_mask, select_backend
from winnow.train.model import Decoder, initialise
from winnow.train.shape import ModelConfig, model_shape

# the flex back end is run uncompiled here, which is what a CPU can do
pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")

LENGTHS = [3, 1, 17, 40, 2, 33]  # tokens of each document in the batch
CPU = torch.device("cpu")


def positions():
    starts = torch.tensor([sum(LENGTHS[:i]) for i in range(len(LENGTHS))])
    doc_start_T = starts.repeat_interleave(torch.tensor(LENGTHS))
    return torch.arange(len(doc_start_T)) - doc_start_T, doc_start_T


def make_model(vocab_size=100, **changes):
    config = ModelConfig(
        **{"preset": "tiny", "layers": 2, "width": 32, "heads": 4, "head_dim": 8, **changes}
    )
    model = Decoder(model_shape(config, vocab_size))
    initialise(model, seed=1)
    # larger than at the start of training, so that a difference would show
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter *= 8
    return model


def logits_of(model, tokens_T, backend):
    positions_T, doc_start_T = positions()
    hidden_TD = model(tokens_T, positions_T, document_mask(doc_start_T, backend))
    return model.logits(hidden_TD)


def tokens(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 100, (sum(LENGTHS),), generator=generator)


@pytest.mark.parametrize("backend", ["mask", "loop", "flex"])
@pytest.mark.parametrize("kv_heads", [4, 2])
@torch.no_grad()
def test_a_packed_batch_gives_what_each_document_gives_alone(backend, kv_heads):
    model = make_model(kv_heads=kv_heads)
    tokens_T = tokens()
    packed_TV = logits_of(model, tokens_T, backend)
    start = 0
    for length in LENGTHS:
        alone_T = torch.arange(length)
        # the plainest possible reference: one document, a full causal mask of zeros and -inf
        hidden_TD = model(
            tokens_T[start : start + length], alone_T, document_mask(0 * alone_T, "mask")
        )
        alone_TV = model.logits(hidden_TD)
        torch.testing.assert_close(packed_TV[start : start + length], alone_TV, rtol=0, atol=2e-4)
        start += length


@pytest.mark.parametrize("backend", ["mask", "loop", "flex"])
@torch.no_grad()
def test_a_documents_tokens_never_reach_another_document(backend):
    model = make_model()
    before_TV = logits_of(model, tokens(), backend)
    changed_T = tokens()
    inside = slice(4, 21)  # the third document
    changed_T[inside] = (changed_T[inside] + 7) % 100
    after_TV = logits_of(model, changed_T, backend)
    assert torch.equal(before_TV[:4], after_TV[:4])
    assert torch.equal(before_TV[21:], after_TV[21:])
    assert not torch.allclose(before_TV[inside], after_TV[inside])


@pytest.mark.parametrize("backend", ["mask", "loop", "flex"])
@torch.no_grad()
def test_no_token_sees_what_comes_after_it(backend):
    model = make_model()
    before_TV = logits_of(model, tokens(), backend)
    changed_T = tokens()
    changed_T[30] = (changed_T[30] + 1) % 100
    after_TV = logits_of(model, changed_T, backend)
    assert torch.equal(before_TV[:30], after_TV[:30])
    assert not torch.allclose(before_TV[30:35], after_TV[30:35])


def test_back_ends_agree_on_gradients_too():
    gradients = []
    for backend in ("mask", "loop"):
        model = make_model(kv_heads=2)
        logits_of(model, tokens(), backend).square().mean().backward()
        gradients.append([p.grad for p in model.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_attention_matches_its_formula():
    torch.manual_seed(0)
    q_HTK, k_GTK, v_GTK = torch.randn(4, 9, 6), torch.randn(2, 9, 6), torch.randn(2, 9, 6)
    doc_start_T = torch.tensor([0, 0, 0, 3, 3, 3, 3, 7, 7])
    out_HTK = attend(q_HTK, k_GTK, v_GTK, document_mask(doc_start_T, "loop"))
    for head in range(4):
        for query in range(9):
            keys = slice(int(doc_start_T[query]), query + 1)
            score = k_GTK[head // 2, keys] @ q_HTK[head, query] / 6**0.5
            expected_K = torch.softmax(score, 0) @ v_GTK[head // 2, keys]
            torch.testing.assert_close(out_HTK[head, query], expected_K, rtol=1e-4, atol=1e-5)


def test_flex_is_refused_where_it_cannot_train():
    assert select_backend(CPU) == "loop"
    assert select_backend(CPU, "mask") == "mask"
    assert select_backend(torch.device("cuda")) == "flex"
    with pytest.raises(ConfigError, match=r"(?s)model\.attention is 'flex'.*auto"):
        select_backend(CPU, "flex")


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.parametrize("tied", [False, True])
@torch.no_grad()
def test_weights_and_logits_are_those_of_transformers(qk_norm, tied):
    transformers = pytest.importorskip("transformers")
    model = make_model(
        vocab_size=128, kv_heads=2, qk_norm=qk_norm, tie_embeddings=tied, rope_theta=500.0
    )
    shape = model.shape
    kind, config = (
        (transformers.Qwen3ForCausalLM, transformers.Qwen3Config)
        if qk_norm
        else (transformers.LlamaForCausalLM, transformers.LlamaConfig)
    )
    theirs = kind(
        config(
            vocab_size=shape.padded_vocab,
            hidden_size=shape.width,
            intermediate_size=shape.mlp_width,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads,
            head_dim=shape.head_dim,
            rms_norm_eps=shape.norm_eps,
            rope_theta=shape.rope_theta,
            rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
            tie_word_embeddings=tied,
            attn_implementation="eager",
        )
    ).float()
    odd = theirs.load_state_dict(model.state_dict(), strict=False)
    assert odd.unexpected_keys == []  # every name of ours is one of theirs
    assert odd.missing_keys == (["lm_head.weight"] if tied else [])
    tokens_T = torch.randint(0, 128, (50,), generator=torch.Generator().manual_seed(3))
    place_T = torch.arange(50)
    ours_TV = model.logits(model(tokens_T, place_T, document_mask(0 * place_T, "loop")))
    theirs_TV = theirs(tokens_T[None]).logits[0]
    assert ours_TV.std() > 0.5
    torch.testing.assert_close(ours_TV, theirs_TV, rtol=0, atol=1e-4 * float(ours_TV.abs().max()))


@pytest.mark.parametrize(
    ("preset", "vocab_size", "low", "high"),
    [
        ("tiny", 4_096, 0.9e6, 1.3e6),
        ("20m", 50_304, 18e6, 22e6),
        ("60m", 50_304, 54e6, 64e6),
        ("124m", 50_304, 122e6, 126e6),
        ("350m", 50_304, 340e6, 365e6),
        ("760m", 50_304, 720e6, 800e6),
        ("1.4b", 50_304, 1.3e9, 1.45e9),
    ],
)
def test_presets_are_of_the_size_they_are_named_for(preset, vocab_size, low, high):
    with torch.device("meta"):
        model = Decoder(model_shape(ModelConfig(preset=preset), vocab_size))
    assert low < model.parameter_count < high


def test_the_vocabulary_is_padded_and_the_padding_hidden():
    model = make_model(vocab_size=100)
    assert model.model.embed_tokens.weight.shape == (128, 32)
    assert logits_of(model, tokens(), "loop").shape == (sum(LENGTHS), 100)


def test_the_seed_decides_the_weights():
    def first(seed):
        model = Decoder(model_shape(ModelConfig(preset="tiny", layers=1), 64))
        initialise(model, seed)
        return model.state_dict()

    a, b, c = first(1), first(1), first(2)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["model.embed_tokens.weight"], c["model.embed_tokens.weight"])


@torch.no_grad()
def test_bfloat16_activations_come_close_to_float32():
    exact = make_model()
    rough = Decoder(exact.shape, torch.bfloat16)
    rough.load_state_dict(exact.state_dict())
    a_TV, b_TV = logits_of(exact, tokens(), "loop"), logits_of(rough, tokens(), "loop")
    assert rough.model.embed_tokens.weight.dtype == torch.float32
    assert float((a_TV - b_TV).square().mean().sqrt() / a_TV.std()) < 0.05
