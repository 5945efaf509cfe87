"""Golden losses and gradients of every prediction objective, by the package `gradiend` 0.2.3; run in its environment:
    python tests_data/golden/make_objective_golden.py
The peer makes the items and its models the losses; kept are the loss and, for every parameter, the gradient's norm and its product with a fixed wave. See README.md.
"""
import json, os, tempfile
from pathlib import Path
os.environ.update(CUDA_VISIBLE_DEVICES="", HF_HUB_OFFLINE="1", TQDM_DISABLE="1")
import pandas as pd, torch
from transformers import AutoModelForCausalLM, AutoTokenizer, T5Config, T5ForConditionalGeneration

here = Path(__file__).resolve().parent
MODELS = here.parent/"models"
TEXTS = ["the baker said [MASK] left the old house.", "in the garden the queens sang while [MASK] wrote letters near the gate.", "yesterday the boy thought [MASK] would come with the dog."]
WORDS = dict(factual=["he", "they", "he"], alternative=["they", "she", "they"])
KNOWN = ["he", "she", "they"]

def wave(p, k=1.): return torch.sin(.37*k*torch.arange(p.numel(), dtype=torch.float64) + k).view(p.shape)

def causal():
    "Embedded causal model; its tokenizer without a token at the beginning, as GPT-2's, and with one to mark a slot"
    tok = AutoTokenizer.from_pretrained(MODELS/"en-clm")
    tok.backend_tokenizer.post_processor = None
    tok.mask_token = "[UNK]"
    return AutoModelForCausalLM.from_pretrained(MODELS/"en-clm", attn_implementation="eager").eval(), tok

def t5():
    "A small T5 whose weights are waves, without a scaled output layer, and a tokenizer with sentinels"
    tok = AutoTokenizer.from_pretrained(MODELS/"en-mlm")
    tok.add_special_tokens(dict(additional_special_tokens=[f"<extra_id_{i}>" for i in range(8)]))
    tok.mask_token = None
    m = T5ForConditionalGeneration(T5Config(vocab_size=len(tok), d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, dropout_rate=0., tie_word_embeddings=False, pad_token_id=0, eos_token_id=3, decoder_start_token_id=0)).eval()
    with torch.no_grad():
        for i, p in enumerate(m.parameters()): p.copy_(wave(p, 1 + i/7)*(.3 if p.dim() > 1 else 1) + (p.dim() == 1))
    return m, tok

def head(hidden=128): return wave(torch.empty(len(KNOWN), hidden)).float()/4, torch.tensor([.1, 0., -.2])

def summary(named):
    "Norm of each gradient, and its product with the wave"
    return {n: [p.grad.double().norm().item(), (p.grad.double()*wave(p)).sum().item()] for n, p in named if p.grad is not None}

def peer():
    from gradiend.trainer.text.prediction.dataset import TextTrainingDataset
    from gradiend.trainer.text.prediction.decoder_only_mlm import DecoderModelWithMLMHead
    from gradiend.trainer.text.prediction.seq2seq import seq2seq_encoder_mlm_loss
    rows = pd.DataFrame(dict(masked=TEXTS, **WORDS, factual_id=0, alternative_id=1, label=1, feature_class_id=0))
    kinds = {"clm_next_token": dict(is_decoder_only_model=True), "clm_sequence_cloze": dict(is_decoder_only_model=True), "clm_sequence_cloze 2": dict(is_decoder_only_model=True, rhs_window=2),
        "clm_mlm_head": dict(is_decoder_only_model=True, mlm_head_target_labels=KNOWN), "seq2seq_encoder_mlm": dict(is_seq2seq_model=True), "seq2seq_decoder": dict(is_seq2seq_model=True), "seq2seq_decoder_sequence_cloze": dict(is_seq2seq_model=True)}
    out = {}
    for name, kw in kinds.items():
        objective = name.split()[0]
        model, tok = causal() if objective.startswith("clm") else t5()
        data = TextTrainingDataset(rows, tok, 1, prediction_objective=objective, max_length=64, **kw)
        data.base_model = model
        forward = model
        if objective == "clm_mlm_head":
            model.config.mask_token_id = tok.mask_token_id
            forward = DecoderModelWithMLMHead(model.config, target_labels=KNOWN, decoder=model).eval()
            with torch.no_grad(): [p.copy_(v) for p, v in zip(forward.classifier.parameters(), head())]
        for side, words in WORDS.items():
            texts = [t.split("[MASK]")[0] if objective == "clm_next_token" else t for t in TEXTS]
            items = [data._create_item(t, w) for t, w in zip(texts, words)]
            batch = {k: torch.stack([o[k] for o in items]) for k in items[0]}
            model.zero_grad()
            loss = seq2seq_encoder_mlm_loss(model, batch) if objective == "seq2seq_encoder_mlm" else forward(**batch).loss
            loss.backward()
            out[f"{name}/{side}"] = dict(loss=loss.item(), gradients=summary(model.named_parameters()))
    return out

if __name__ == "__main__":
    import transformers
    torch.set_num_threads(1)
    (here/"objectives.json").write_text(json.dumps(dict(peer="0.2.3", torch=torch.__version__, transformers=transformers.__version__, results=peer()), indent=0))
