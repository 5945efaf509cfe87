"""Small learners on a made-up base model, for the peer to compare; run before make_compare_golden.py, in our environment:
    python tests_data/golden/make_compare_learners.py
"""
import os
from pathlib import Path
os.chdir(Path(__file__).resolve().parent)
import torch
from gradiend_nb.model import ParamMappedGradiendModel, ParamSelection

SHAPES = {"bert.embeddings.word_embeddings.weight": (20, 8), "bert.embeddings.LayerNorm.weight": (8,)}
for i in range(2):
    at = f"bert.encoder.layer.{i}"
    SHAPES |= {f"{at}.attention.self.{k}.weight": (8, 8) for k in ("query", "key", "value")}
    SHAPES |= {f"{at}.attention.output.dense.weight": (8, 8), f"{at}.attention.output.LayerNorm.weight": (8,),
               f"{at}.intermediate.dense.weight": (16, 8), f"{at}.output.dense.weight": (8, 16)}

def learner(seed, share=1., **kw):
    "A random learner that has something in common with the others; `share` of each parameter is kept, of the last one nothing if pruned"
    gen, keep = torch.Generator().manual_seed(seed), []
    for i, (n, s) in enumerate(SHAPES.items()):
        numel = torch.Size(s).numel()
        part = 1. if share == 1 else (0. if i == len(SHAPES) - 1 else share * (.3, 1.)[i % 2])
        keep.append(ParamSelection(n, s, None if part == 1 else (torch.rand(numel, generator=gen) < part).nonzero()[:, 0]))
    m = ParamMappedGradiendModel(keep, base_model="no-such-model", init="random", seed=seed, **kw)
    common = ParamMappedGradiendModel([ParamSelection(n, s) for n, s in SHAPES.items()], seed=99, **kw)
    at = m.base_global_index()
    with torch.no_grad():
        for p, q in ((m.enc.weight, common.enc.weight[:, at]), (m.dec.weight, common.dec.weight[at])): p += q if seed % 2 else -q
    return m

LEARNERS = {"whole-1": dict(seed=1), "whole-2": dict(seed=2), "whole-3": dict(seed=3, bias_decoder=False), "pruned-1": dict(seed=5, share=.9), "pruned-2": dict(seed=6, share=.5),
            "two-1": dict(seed=1, latent_dim=2), "two-2": dict(seed=3, latent_dim=2), "two-pruned": dict(seed=5, latent_dim=2, share=.7)}
if __name__ == "__main__":
    for name, kw in LEARNERS.items():
        learner(**kw).save_pretrained(Path("compare")/name)
        (Path("compare")/name/".gradiend_nb_files.json").unlink(missing_ok=True)
