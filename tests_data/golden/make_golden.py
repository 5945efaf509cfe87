"""Golden numbers for the parity notebook, produced by the package `gradiend` 0.2.3.

Run by hand in an environment that holds that package (never in `make test`):
    pip install torch==2.13.0 transformers "gradiend==0.2.3"
    python tests_data/golden/make_golden.py
Everything is seeded and written beside this file; see README.md there for what is in which file.
"""
import json, os, random, sys, tempfile
from pathlib import Path
here = Path(__file__).resolve().parent
os.chdir(here)                                    # relative names keep machine paths out of the checkpoints
os.environ.update(TOKENIZERS_PARALLELISM="false", TRANSFORMERS_OFFLINE="1")
import pandas as pd, torch, transformers, gradiend
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from gradiend.evaluator.encoder_metrics import get_encoder_metrics_from_dataframe
from gradiend.trainer.core.arguments import TrainingArguments
from gradiend.trainer.core.dataset import GradientTrainingDataset
from gradiend.trainer.core.training import train
from gradiend.trainer.text.prediction.dataset import TextTrainingDataset
from gradiend.trainer.text.prediction.decoder_eval_utils import compute_probability_shift_score_mlm
from gradiend.trainer.text.prediction.model_with_gradiend import TextPredictionModelWithGradiend as Learner

MODEL, MAXLEN = "tiny-mlm", 48
torch.set_num_threads(1)

# %% the base model: random, seeded, hidden 32, 2 layers, about 250 word pieces

PIECES = ["##s", "##self", "##selves", "##ed", "##er", "##ing", "##ly", "##e", "##y", "##n", "##t", "##d"]
WORDS = """he she it they him her them we you i the a an of to in on at by for with from and but or when while because that who which was were is are
had has have did does do not would could will can said told asked knew saw took gave made went came left found kept read wrote sold paid opened closed built
baker doctor nurse farmer teacher pilot sailor singer judge clerk cook guard miller painter king queen boy girl man woman men women child children friend friends
sister sisters brother brothers mother father neighbour neighbours letter letters bread field ship song house door shop market river bridge road town garden
early late often never always again soon today yesterday before after under over near old young small big cold warm long short quiet happy tired blue red green
his hers their theirs own self selves one two three four five . , ? ! ; :""".split()

def build_tokenizer():
    "A lower-casing word-piece tokenizer over the words, suffixes and letters above"
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS + PIECES + letters + ["##" + c for c in letters]
    vocab = {t: i for i, t in enumerate(dict.fromkeys(tokens))}
    tok = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tok.normalizer, tok.pre_tokenizer, tok.decoder = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    tok.post_processor = processors.BertProcessing(("[SEP]", vocab["[SEP]"]), ("[CLS]", vocab["[CLS]"]))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tok, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
                                                mask_token="[MASK]", model_max_length=MAXLEN)

def build_model(vocab_size):
    "A BERT masked language model with random weights, large enough to give logits and gradients of ordinary size"
    torch.manual_seed(20)
    cfg = transformers.BertConfig(vocab_size=vocab_size, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
                                  max_position_embeddings=MAXLEN, initializer_range=0.2)
    model = transformers.BertForMaskedLM(cfg)
    with torch.no_grad():                         # no bias or layer norm stays at its trivial start
        for n, p in model.named_parameters():
            if p.dim() == 1: p.add_(torch.randn(p.shape) * 0.1)
    return model

# %% the rows: (masked, factual, alternative, factual class); 3SG is +1, 3PL is -1

SINGLE = [("the baker said that [MASK] would open the shop early today .", "he", "they", "3SG"),
          ("when the old sailor saw the ship , [MASK] left the town .", "she", "they", "3SG"),
          ("[MASK] was tired after the long road , but the song made the day short .", "he", "they", "3SG"),
          ("the teacher gave the letter to the girl because [MASK] had asked for it .", "she", "they", "3SG"),
          ("the neighbours knew that [MASK] were late again .", "they", "he", "3PL"),
          ("while the children read in the garden , [MASK] often found small red letters near the door .", "they", "she", "3PL"),
          ("[MASK] have sold the house by the river .", "they", "he", "3PL"),
          ("two sisters came from the market and [MASK] paid the miller for the bread yesterday .", "they", "she", "3PL"),
          ("did [MASK] do it ?", "he", "they", "3SG"),
          ("three friends built a bridge over the cold river , and when the work ended [MASK] went to the small town near the field with the old painter .",
           "they", "he", "3PL"),
          ("the queen said [MASK] would never sing in the cold house .", "she", "they", "3SG"),
          ("the men told the judge that [MASK] were not at the bridge .", "they", "he", "3PL")]
PIECED = [("the pilot took the long road by [MASK] today .", "himself", "themselves", "3SG"),      # two pieces against two
          ("the cook made the bread for [MASK] .", "herself", "them", "3SG"),                       # two pieces against one
          ("the women kept the garden for [MASK] and never sold it .", "themselves", "her", "3PL")]  # the same, other class
COLS = ["masked", "factual", "alternative", "factual_class"]

def rows():
    "All rows as a frame, in the order used everywhere below: the single-piece rows, then the others"
    df = pd.DataFrame(SINGLE + PIECED, columns=COLS)
    df["alternative_class"] = df.factual_class.map({"3SG": "3PL", "3PL": "3SG"})
    df["label"] = df.factual_class.map({"3SG": 1, "3PL": -1})
    return df

class Items:
    "Chosen rows as the peer's items, in the order given"
    def __init__(self, df, idxs, batch_size, tok):
        data = df.assign(split="train", factual_id=df.factual_class, alternative_id=df.alternative_class, feature_class_id=(df.label < 0).astype(int))
        maker = TextTrainingDataset(data, tok, batch_size=1, max_length=MAXLEN)
        self.batch_size, self.items = batch_size, []
        for i in idxs:
            text = df.masked[i].replace("[MASK]", tok.mask_token)
            self.items.append(dict(factual=maker._create_item(text, df.factual[i]), alternative=maker._create_item(text, df.alternative[i]),
                                   text=df.masked[i], label=int(df.label[i])))
    def __len__(self): return len(self.items)
    def __getitem__(self, i): return self.items[i]

def gradient_rows(mwg, df, idxs, batch_size, source, target="diff"):
    return GradientTrainingDataset(Items(df, idxs, batch_size, mwg.tokenizer), mwg.gradient_creator, source=source, target=target, use_cached_gradients=False)

def split_params(mwg, flat, prefix):
    "Cut one flat gradient of the unpruned mapping into named tensors"
    out, i = {}, 0
    for n, spec in mwg.gradiend.param_map.items():
        k = torch.Size(spec["shape"]).numel()
        out[f"{prefix}/{n}"] = flat[i:i + k].reshape(spec["shape"]).clone().contiguous()
        i += k
    assert i == flat.numel()
    return out

def fresh(seed, latent_dim=1, scale=3.):
    "A learner with the peer's start, its encoder times `scale` so that encodings spread"
    torch.manual_seed(seed)
    mwg = Learner.from_pretrained(MODEL, source="alternative", target="diff", latent_dim=latent_dim)
    with torch.no_grad(): mwg.gradiend.encoder[0].weight.mul_(scale)
    mwg.set_feature_class_encoding_direction({"3SG": 1., "3PL": -1.})
    return mwg

# %% a to d

BATCHES = {"batch": [0, 1, 2, 3], "mixed": [0, 12, 13, 3]}                # merged rows; "mixed" has targets of two pieces
ALONE = {"one_piece": 4, "two_pieces": 12, "unequal_pieces": 13}
LOSS_BATCHES = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 10, 0, 2]]

def make_gradients(mwg, df):
    out = {}
    for name, idxs in {**BATCHES, **{k: [v] for k, v in ALONE.items()}}.items():
        for source in ("factual", "alternative") + (("diff",) if name == "batch" else ()):
            row = gradient_rows(mwg, df, idxs, len(idxs), source)[0]
            out |= split_params(mwg, row["source"], f"{name}/{source}")
    save_file(out, "gradients.safetensors")

def encodings(mwg, df):
    "Pre-activation and encoding of every row alone, per source"
    res, lin = {}, mwg.gradiend.encoder[0]
    for source in ("factual", "alternative", "diff"):
        ds = gradient_rows(mwg, df, range(len(df)), 1, source)
        pre = torch.stack([lin(ds[i]["source"]).detach() for i in range(len(ds))])
        res[source] = dict(pre=pre.tolist(), encoded=mwg.gradiend.encoder[1](pre).tolist())
    return res

def make_checkpoints(df):
    "Three checkpoints and what they encode; the pruned one has parameters kept whole, by index and by mask"
    one, two = fresh(1), fresh(2, latent_dim=2)
    pruned = fresh(3)
    keep, i = torch.zeros(len(pruned.gradiend), dtype=torch.bool), 0
    gen = torch.Generator().manual_seed(4)
    for k, (n, spec) in enumerate(pruned.gradiend.param_map.items()):
        numel = torch.Size(spec["shape"]).numel()
        share = (0.05, 0.5, 1., 0.)[k % 4]
        keep[i:i + numel] = torch.rand(numel, generator=gen) < share
        i += numel
    pruned.prune_gradiend(mask=keep)
    res = {}
    for name, mwg in dict(latent1=one, latent2=two, pruned=pruned).items():
        mwg.save_pretrained(f"peer-{name}")
        res[name] = encodings(mwg, df)
    json.dump(res, open("encodings.json", "w"), indent=1)

def make_training(df):
    "Losses of a fixed learner, then six steps of the peer's training and the weights they leave"
    mwg = Learner.from_pretrained("peer-latent1")
    ds = gradient_rows(mwg, df, sum(LOSS_BATCHES, []), 4, "alternative")
    mse = torch.nn.MSELoss()
    fixed = [mse(mwg.gradiend(r["source"]), r["target"]).item() for r in ds]
    args = TrainingArguments(source="alternative", target="diff", learning_rate=1e-4, num_train_epochs=2, do_eval=False, normalize_gradiend=False,
                             save_strategy="no", save_only_best=False, max_seeds=1, seed=0)
    with tempfile.TemporaryDirectory() as args.output_dir:
        train(mwg, ds, training_args=args)
        losses = json.load(open(Path(args.output_dir)/"training.json"))["losses"]
    save_file({k: v.detach().clone() for k, v in mwg.gradiend.state_dict().items()}, "trained.safetensors")
    recipe = dict(optimizer="AdamW", learning_rate=args.learning_rate, weight_decay=args.weight_decay, eps=args.adam_epsilon, betas=[0.9, 0.999])
    json.dump(dict(batches=LOSS_BATCHES, source="alternative", target="diff", fixed_losses=fixed, losses=losses, recipe=recipe, start="peer-latent1"),
              open("training.json", "w"), indent=1)

CLASS_WORDS = {"3SG": ["he", "she", "it"], "3PL": ["they"], "reflexive": ["himself", "herself", "them"]}
EDITS = [("latent1", "decoder", 2., 1.), ("latent1", "decoder", 2., -1.), ("latent1", "decoder-weight", 2., 1.), ("latent1", "decoder-bias", 2., 1.),
         ("latent1", "decoder-sum", 2., 1.), ("latent1", "encoder-weight", 2., 1.), ("latent2", "decoder", 2., [1., -0.5]), ("pruned", "decoder", 5., -1.)]
SHOWN = ["bert.embeddings.LayerNorm.weight", "bert.encoder.layer.0.attention.self.query.weight", "bert.encoder.layer.1.output.dense.bias"]

def class_probs(model, tok, df):
    "P(class) of every row: one frame row at a time is its own group"
    res = compute_probability_shift_score_mlm(model, tok, df.assign(row=[f"{i:02}" for i in range(len(df))]), CLASS_WORDS, dataset_class_col="row")
    return [res[k] for k in sorted(res)]

def make_decoder(df):
    mwgs = {n: Learner.from_pretrained(f"peer-{n}") for n in ("latent1", "latent2", "pruned")}
    base, tok = mwgs["latent1"].base_model, mwgs["latent1"].tokenizer
    res = dict(class_words=CLASS_WORDS, base=dict(probs=class_probs(base, tok, df)), edits=[])
    old, tensors = dict(base.named_parameters()), {}
    for k, (name, part, lr, ff) in enumerate(EDITS):
        new = mwgs[name].rewrite_base_model(learning_rate=lr, feature_factor=ff, part=part)
        change = {n: (p - old[n]).norm().item() for n, p in new.named_parameters()}
        tensors |= {f"{k}/{n}": p.detach().clone() for n, p in new.named_parameters() if n in SHOWN}
        res["edits"].append(dict(checkpoint=name, part=part, learning_rate=lr, feature_factor=ff, change_norms=change,
                                 probs=class_probs(new, tok, df)))
    save_file(tensors, "rewritten.safetensors")
    json.dump(res, open("decoder.json", "w"), indent=1)

def make_metrics():
    "A table of encodings with every kind of row, and the peer's metrics of it"
    rng, recs = random.Random(6), []
    for split in ("train", "test"):
        for cls, other, label, words in (("3SG", "3PL", 1., ["he", "she"]), ("3PL", "3SG", -1., ["they"])):
            for i in range(9):
                src = words[i % len(words)]
                recs.append(dict(encoded=round(max(-1, min(1, rng.gauss(.6 * label, .4))), 6), label=label, source_id=cls, target_id=other, feature_class_id=int(label < 0),
                                 eval_group=int(label < 0), type="training", source_token=src, factual_token=src, alternative_token="x", data_split=split, text=f"{split} {cls} {i}"))
    for i in range(6):
        recs.append(dict(encoded=round(rng.gauss(0, .2), 6), label=0., source_id="1PL", target_id="1PL", feature_class_id=2, eval_group=2, type="training",
                         source_token="we", factual_token="we", alternative_token="we", data_split="test", text=f"identity {i}"))
    for kind in ("neutral_training_masked", "neutral_dataset"):
        for i in range(5):
            recs.append(dict(encoded=round(rng.gauss(0, .1), 6), label=0., source_id="neutral", target_id="neutral", feature_class_id=-1, eval_group=-1, type=kind,
                             source_token="n", factual_token="n", alternative_token="n", data_split="test", text=f"{kind} {i}"))
    df = pd.DataFrame(recs)
    test = df[df.data_split == "test"]
    json.dump(dict(table=recs, target_classes=["3SG", "3PL"], all_splits=get_encoder_metrics_from_dataframe(df, target_classes=["3SG", "3PL"]),
                   test=get_encoder_metrics_from_dataframe(test, target_classes=["3SG", "3PL"])), open("metrics.json", "w"), indent=1, default=float)

if __name__ == "__main__":
    tok = build_tokenizer()
    tok.save_pretrained(MODEL)
    cfg = here/MODEL/"tokenizer_config.json"      # a class name that transformers 4 and 5 both know
    cfg.write_text(cfg.read_text().replace("TokenizersBackend", "PreTrainedTokenizerFast"))
    build_model(len(tok)).save_pretrained(MODEL)
    df = rows()
    torch.manual_seed(0)
    make_gradients(fresh(0), df)
    make_checkpoints(df)
    make_training(df)
    make_decoder(df)
    make_metrics()
    json.dump(dict(peer=f"gradiend {gradiend.__version__}", torch=torch.__version__, transformers=transformers.__version__, python=sys.version.split()[0],
                   rows=df.to_dict("records"), batches=BATCHES, alone=ALONE), open("rows.json", "w"), indent=1)
