"""Deterministic, storage-free random weights: value = f(key, shape, seed).

Uses numpy's frozen legacy RandomState (MT19937) streams, so any implementation
can regenerate bit-identical tensors from (key, shape) alone.  All values are
rounded to fp16, so the official fp16 ("half") container holds exactly the same
numbers as an fp32 one.
"""

import re
import zlib

import numpy as np


def _rs(key, seed):
    return np.random.RandomState((zlib.crc32(key.encode()) ^ (seed * 0x9E3779B1)) & 0xFFFFFFFF)


def det(key, shape, seed=1):
    shape = tuple(shape)
    r = _rs(key, seed)
    n = int(np.prod(shape)) if shape else 1
    x = r.standard_normal(n).reshape(shape) if shape else r.standard_normal(1)[0:1].reshape(())
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "inited":
        y = np.ones(shape)
    elif leaf == "cluster_size":
        y = 5.0 + np.abs(x)
    elif leaf in ("embed", "embed_avg"):
        y = x
    elif leaf == "running_var":
        y = 1.0 + 0.3 * np.abs(x)
    elif leaf == "running_mean":
        y = 0.2 * x
    elif leaf == "alpha":
        y = 0.9 + 0.1 * x
    elif leaf == "weight_g":
        # after weight_norm every slice has L2 norm == g
        gain = 1.0
        if ".ups." in key or key.startswith("ups."):
            gain = 1.6
        elif "resblocks" in key:
            gain = 0.9
        elif "conv_post" in key:
            gain = 0.35
        y = gain * (1.0 + 0.25 * np.tanh(x))
    elif leaf == "weight_v":
        y = x / np.sqrt(max(1, int(np.prod(shape[1:]))))
    elif leaf in ("gamma",) or (leaf == "weight" and re.search(r"norm", key)):
        y = 1.0 + 0.25 * x
    elif leaf in ("beta",) or (leaf == "bias" and re.search(r"norm", key)):
        y = 0.2 * x
    elif "bias" in leaf:
        y = 0.1 * x
    elif "prelu" in key:
        y = 0.25 + 0.1 * x
    elif "emb_rel" in leaf:
        y = 0.3 * x
    elif re.search(r"embedding|emb_g|emb_uv|f0_emb", key) and x.ndim == 2:
        y = x * (0.7 if "emb_g" not in key else 1.0)
    elif x.ndim >= 2:
        fan_in = int(np.prod(shape[1:]))
        gain = 1.0
        if "conv_post" in key:
            gain = 0.5
        if "ar_predict_layer" in key:
            gain = 2.5
        if "l_linear" in key:
            gain = 5.0
        if "noise_convs" in key:
            gain = 2.0
        if key.endswith("in_proj_weight"):
            gain = 2.0
        if key.endswith("self_attn.out_proj.weight") or key.endswith("linear2.weight"):
            gain = 0.3
        if key.endswith("enc_p.proj.weight"):
            gain = 0.7
        if "ssl_proj" in key and "enc_p" not in key:
            gain = 1.0
        y = gain * x / np.sqrt(fan_in)
    elif leaf == "weight":  # 1-D weights: batch / layer norm scales
        y = 1.0 + 0.25 * x
    else:
        y = 0.3 * x
    return np.asarray(y, dtype=np.float16).reshape(shape)


def fill_state_dict(sd, seed=1, prefix_strip=""):
    """Return {key: torch fp32 tensor} for every floating tensor of sd."""
    import torch

    out = {}
    for k, v in sd.items():
        kk = k[len(prefix_strip) :] if prefix_strip and k.startswith(prefix_strip) else k
        if v.is_floating_point():
            out[k] = torch.from_numpy(det(kk, tuple(v.shape), seed)).float()
        else:
            out[k] = v.clone()
    return out


def det_input(name, shape, seed=7):
    return _rs("input/" + name, seed).standard_normal(int(np.prod(shape))).reshape(shape).astype(np.float32)


def det_ints(name, shape, hi, seed=7):
    return _rs("ints/" + name, seed).randint(0, hi, size=shape).astype(np.int64)
