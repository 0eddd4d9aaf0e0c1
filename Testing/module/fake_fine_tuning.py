"""The fine-tuning of the fake worker: events, a checkpoint that is none, a report. No network.

It writes as the library does (``CHARMSSRLib/fine_tuning/work_folder.py``): a working folder, which an
unfinished run leaves, the best checkpoint so far in its place, and the page of the report at the end.
"""

import hashlib
import json
import os
import shutil
import threading
from pathlib import Path

VALIDATIONS = ((0, 0.031, 0.034, 24.1), (20, 0.027, 0.030, 25.6), (40, 0.024, 0.027, 26.4), (60, 0.023, 0.028, 26.2))
MATCHED_PSNR = 25.2
QUALITY = {"mutual_information_before": 0.11, "mutual_information": 0.42, "mask_overlap": 0.963,
           "residual_shift_mm": 0.21, "rotation_degrees": 4.2, "translation_mm": 11.3}  # fmt: skip


def fineTune(send, mode, message, cancelled):
    """Answer one run message of the task "fine-tune", in the way that the mode says.

    "slow" waits after a validation, "slower" after the first, until a file "go-on" lies beside the models' folder.
    """
    settings, identifier = message["settings"], message["id"]
    folder = Path(settings["folder"])
    work = folder / f"{settings['name']}.fine-tuning"
    work.mkdir(parents=True, exist_ok=True)

    def tell(fraction, text, event=None):
        send(type="progress", id=identifier, fraction=fraction, message=text, remaining_seconds=120.0, event=event)

    (Path(message["folder"]) / "message.json").write_text(json.dumps(message), encoding="utf-8")
    (folder.parent / "seen.json").write_text(json.dumps(message), encoding="utf-8")
    for index, pair in enumerate(message["pairs"]):
        tell(0.1 * index / len(message["pairs"]), f"Registering {pair['subject']} {pair['contrast']}")
        tell(0.1 * (index + 1) / len(message["pairs"]), "Registered", _verdict(mode, index, pair))
    better = () if mode == "gains nothing" else (20, 40)
    for step, loss, validationLoss, psnr in VALIDATIONS:
        event = {"event": "validation", "step": step, "loss": loss, "validation_loss": validationLoss,
                 "validation_psnr": psnr, "matched_psnr": MATCHED_PSNR, "best": step in better}  # fmt: skip
        if event["best"]:
            _write(folder, settings["name"])
        tell(0.1 + 0.9 * step / 60, f"Step {step} of 60, held out {psnr:.2f} dB", event)
        if mode == "dies after a validation" and step == 20:
            os._exit(7)
        if mode == "deaf" and step == 20:
            threading.Event().wait()
        waits = step == {"slow": 20, "slower": 0}.get(mode)
        while waits and not cancelled.wait(0.02) and not (folder.parent / "go-on").exists():
            pass
        if cancelled.is_set():
            shutil.rmtree(work)
            send(type="error", id=identifier, kind="Cancelled", message="Cancelled.")
            return
    gained = mode != "gains nothing"
    shutil.rmtree(work)
    page = folder / f"{settings['name']}.report.html"
    page.write_text("<h1>Report</h1>", encoding="utf-8")
    report = _report(mode, settings["name"], len(message["pairs"]), str(page))
    send(type="result", id=identifier, name=settings["name"], report=report,
         checkpoint=str(folder / f"{settings['name']}.safetensors") if gained else None)  # fmt: skip


def _report(mode, name, pairs, page):
    """The keys of the library's report that the panel reads."""
    figures = {"3T interpolated": (23.41, 0.812), "3T intensity-matched": (25.22, 0.834),
               "checkpoint before": (25.31, 0.842), "checkpoint after": (26.38, 0.861)}  # fmt: skip
    gained = mode != "gains nothing"
    return {
        "name": name, "cancelled": False, "baseline_beaten": gained,
        "verdict": "On held-out data the fine-tuned checkpoint beats the intensity-matched baseline: PSNR +1.16 dB."
        if gained else "Nothing was gained: no validation was better than the checkpoint before fine-tuning.",
        "notes": ["The held-out data also chose the step that was kept, so the figures are slightly optimistic."],
        "warnings": ["A pair was left out. The brains do not fit."] if mode in ("refuses a pair", "slow") else [],
        "counts": {"training": pairs - 1, "held_out": 1, "refused": 0}, "steps": 60, "best_step": 40,
        "seconds": 412.3, "hold_out": "subjects", "files": {"page": page},
        "summary": {
            method: {"psnr": {"mean": psnr, "sd": 0.41, "pairs": 2}, "ssim": {"mean": ssim, "sd": None, "pairs": 1}}
            for method, (psnr, ssim) in figures.items()
        } if gained else {},
    }  # fmt: skip


def _verdict(mode, index, pair):
    event = {"event": "pair", "subject": pair["subject"], "contrast": pair["contrast"], "index": index,
             "status": "ok", "reason": "", "quality": QUALITY}  # fmt: skip
    if mode in ("refuses a pair", "slow") and index == 1:
        event.update(status="refused", reason="The brains of the two scans do not fit: are they of one person?")
    if mode in ("warns", "slow") and index == 2:
        event.update(status="warned", reason="The registration left a shift of 1.4 mm.")
    return event


def _write(folder, name):
    """Weights that are none, with a card as the library writes it."""
    weights = folder / f"{name}.safetensors"
    weights.write_bytes(b"weights")
    card = {
        "format": 1, "name": name, "title": f"Model {name}", "summary": "Tuned", "task": "super-resolution",
        "architecture": {}, "scale": 2, "intensity": {"kind": "minmax"}, "margin": 16, "seen_7t": True,
        "data_consistency_operator": "bicubic", "sha256": hashlib.sha256(b"weights").hexdigest(),
    }  # fmt: skip
    weights.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
