"""Checkpoints written by gradiend_nb for the peer to read; run before peer_reads.py, in our environment:
    python tests_data/golden/make_ours.py
"""
import os
from pathlib import Path
os.chdir(Path(__file__).resolve().parent)      # a relative name of the base model keeps machine paths out of the files
import torch
from gradiend_nb.model import ModelWithGradiend, ParamMappedGradiendModel, ParamSelection

def save(name, mwg):
    mwg.feature_class_encoding_direction = {"3SG": 1, "3PL": -1}
    mwg.save_pretrained(name)
    (Path(name)/".gradiend_nb_files.json").unlink(missing_ok=True)

base = ModelWithGradiend.from_base("tiny-mlm", params=["*layer.0.attention*", "*layer.1.output*"], latent_dim=2, bias_decoder=False, activation_encoder="relu", seed=6)
save("ours-latent2", base)
gen, keep = torch.Generator().manual_seed(7), []
for i, o in enumerate(ModelWithGradiend.from_base("tiny-mlm").gradiend.param_map):
    share = (.05, .5, 1., 0.)[i % 4]
    keep.append(ParamSelection(o.name, o.shape, None if share == 1 else (torch.rand(o.numel, generator=gen) < share).nonzero()[:, 0]))
save("ours-pruned", ModelWithGradiend(base.base_model, ParamMappedGradiendModel(keep, base_model="tiny-mlm", seed=8), base.tokenizer))
