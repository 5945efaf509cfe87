"""What the peer says about the learners in compare/ and about a table of encodings; run after make_compare_learners.py, in the peer's environment:
    python tests_data/golden/make_compare_golden.py
"""
import json, logging, os
from pathlib import Path
from types import SimpleNamespace
os.chdir(Path(__file__).resolve().parent)
import pandas as pd, gradiend
from gradiend.comparison import compute_anchor_aligned_encoding_matrix, compute_gradiend_transition_cross_encoding_matrix, compute_grouped_similarity_matrices, compute_similarity_matrix
from gradiend.model.param_mapped import ParamMappedGradiendModel
logging.disable(logging.CRITICAL)

class Model(SimpleNamespace):
    "The peer asks a model for its learner and for base-global indices"
    def get_topk_weights(self, part="decoder-weight", topk=1000):
        at = self.gradiend._get_base_global_index_map()
        return [int(at[i]) for i in self.gradiend.get_topk_weights(part=part, topk=topk)]

GROUPS = dict(one=["whole-1", "whole-2", "whole-3", "pruned-1", "pruned-2"], two=["two-1", "two-2", "two-pruned"])
models = {n: Model(gradiend=ParamMappedGradiendModel.from_pretrained(f"compare/{n}")) for ns in GROUPS.values() for n in ns}
plain = lambda m: [list(map(float, r)) for r in m]
out = dict(peer=f"gradiend {gradiend.__version__}", groups=GROUPS, cases=[], grouped=[], names={})
for g, ns in GROUPS.items():
    ms = {n: models[n] for n in ns}
    cases = [dict(measure=m, part=p) for m in ("cosine", "cosine_signed", "spearman", "spearman_signed") for p in ("encoder-weight", "decoder-weight", "decoder-sum", "decoder-bias")
             if not (p == "decoder-bias" and g == "one")]
    cases += [dict(measure="cosine_signed", topk=100), dict(measure="spearman_signed", topk=.2, part="decoder-weight")]
    cases += [dict(measure=m, topk=k, part=p) for m in ("topk_overlap", "mass_overlap") for k in (40, .25) for p in ("encoder-weight", "decoder-weight", "decoder-sum")]
    cases += [dict(measure="topk_overlap", topk=40, value="intersection")]
    out["cases"] += [dict(group=g, kwargs=kw, matrix=plain(compute_similarity_matrix(ms, **kw)["matrix"])) for kw in cases]
    for kw in [dict(measure=m, group_by=b) for m in ("cosine_signed", "spearman_signed") for b in ("param", "layer", "component")]:
        whole = {n: m for n, m in ms.items() if "pruned" not in n} if kw["measure"].startswith("spearman") else ms
        out["grouped"].append(dict(group=g, labels=list(whole), kwargs=kw, matrices={k: plain(v["matrix"]) for k, v in compute_grouped_similarity_matrices(whole, **kw).items()}))

ms = {n: models[n] for n in GROUPS["one"]}
out["ranks"] = {"ungrouped": plain(compute_similarity_matrix(ms, measure="spearman_signed")["matrix"]),
                "one group": plain(compute_grouped_similarity_matrices(ms, measure="spearman_signed", group_by=lambda n: "all")["all"]["matrix"])}
seeds = dict(a=["whole-1", "pruned-1"], b=["whole-2", "pruned-2"], c=["whole-2", "whole-1"])
both = {k: [models[n] for n in ns] for k, ns in seeds.items()}
p = compute_similarity_matrix(both, measure="cosine_signed", seed_pairing_mode="all_pairs", dispersion="std")
out["seeds"] = dict(labels=seeds, matrix=plain(p["matrix"]), cell=p["cell_stats"][0][1])

ROWS = [("masc", "fem"), ("fem", "masc"), ("masc", "pl"), ("pl", "masc"), ("fem", "pl"), ("pl", "fem")]
PAIRS = {"masc/pl": ("masc", "pl"), "fem/pl": ("fem", "pl"), "fem/masc": ("fem", "masc")}
def table(pair, i):
    "Two rows per transition of a model whose alternative gradient was encoded; the third class gets something in between"
    code = {pair[0]: .97, pair[1]: -.93}
    rows = []
    for j, (f, a) in enumerate(ROWS*2):
        known = {f, a} == set(pair)
        rows.append(dict(encoded=code.get(a, (.4, -.2, .1)[i]) - .01*j, label=0. if not known else 1. if a == pair[0] else -1., source_id=a, target_id=a, factual_id=f, counterfactual_id=a,
                         transition_id=f"{f}→{a}", type="training", masked=f"text {j} [MASK]", data_split="test", input_type="alternative"))
    return rows
tables = {k: table(v, i) for i, (k, v) in enumerate(PAIRS.items())}
summary = {k: dict(encoder_df=pd.DataFrame(v)) for k, v in tables.items()}
out["encodings"] = dict(pairs=PAIRS, tables=tables, oriented={})
for al in ("factual", "counterfactual", "transition"):
    r = compute_anchor_aligned_encoding_matrix(pair_by_id=PAIRS, encoder_summary=summary, feature_classes=["masc", "fem", "pl"], alignment=al, source_by_id=dict.fromkeys(PAIRS, "alternative"))
    out["encodings"]["oriented"][al] = {k: r[k] for k in ("rows", "columns", "n_matrix", "raw_n_matrix")} | dict(matrix=plain(r["matrix"]))
t = compute_gradiend_transition_cross_encoding_matrix({k: SimpleNamespace(pair=v) for k, v in PAIRS.items()}, encoder_summary=summary)
out["encodings"]["transition"] = {k: t[k] for k in ("rows", "columns", "n_matrix")} | dict(matrix=plain(t["matrix"]))
out["keys"] = sorted(compute_similarity_matrix({n: models[n] for n in GROUPS["one"]}, measure="topk_overlap", topk=40))
Path("compare.json").write_text(json.dumps(out, ensure_ascii=False) + "\n", encoding="utf-8")
