"""What the peer makes of checkpoints that gradiend_nb wrote; run in the peer's environment after make_ours.py:
    python tests_data/golden/peer_reads.py
Writes ours_by_peer.json: pre-activations and encodings of the gradients in gradients.safetensors, the update that decoding 1 gives (its norm and first entries),
and whether the tensors are equal after the peer saved the checkpoint again.
"""
import json, os, tempfile
from collections import defaultdict
from pathlib import Path
os.chdir(Path(__file__).resolve().parent)
os.environ["TRANSFORMERS_OFFLINE"] = "1"
import torch
from safetensors.torch import load_file
from gradiend.trainer.text.prediction.model_with_gradiend import TextPredictionModelWithGradiend
torch.set_num_threads(1)

def same_tensors(a, b):
    a, b = load_file(a), load_file(b)
    return set(a) == set(b) and all(torch.equal(a[k], b[k]) for k in a)

def read(name, rows):
    mwg = TextPredictionModelWithGradiend.from_pretrained(name, require_gradiend_model=True)
    g, res = mwg.gradiend, {}
    for k, grads in rows.items():
        pre = g.encoder[0](g.flatten_gradient_dict(grads)).detach()
        res[k] = dict(pre=pre.tolist(), encoded=g.encoder[1](pre).tolist())
    update = g.decoder(torch.ones(g.latent_dim)).detach()
    with tempfile.TemporaryDirectory() as d:
        mwg.save_pretrained(d)
        equal = all(same_tensors(f, Path(d)/f.name) for f in Path(name).glob("*.safetensors"))
    return dict(rows=res, update_norm=update.norm().item(), update_head=update[:8].tolist(), source=mwg.source, direction=mwg.feature_class_encoding_direction, saved_again_equal=equal)

rows = defaultdict(dict)
for k, t in load_file("gradients.safetensors").items():
    row, name = k.rsplit("/", 1)
    rows[row][name] = t
json.dump({n: read(n, rows) for n in ("ours-latent2", "ours-pruned")}, open("ours_by_peer.json", "w"), indent=1)
