"""What the process that has torch answers about one face: what judges see in it, which training faces are near it, and
a real one in every emotion."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dashboard.face_client import FaceAnswer, Question, Tell
from dashboard.face_questions import neighbours_answer, real_faces_for
from fergan_core.emotions import emotion_code
from fergan_core.evaluation.faces import Faces, read
from fergan_core.evaluation.memorization import nearest_training_faces
from fergan_core.exploring.inversion import find_faces, greys_apart
from fergan_core.exploring.saliency import evidence, integrated_gradients
from fergan_core.judges.judge import load_judge
from fergan_core.methods.protocols import Generator, Samplable
from fergan_core.protocols import judges_for
from fergan_core.training.engine import to_bytes


def seen(generator: Generator, question: Question, tell: Tell) -> FaceAnswer:
    """Answer with one face, what each of `judges` reads in it, and the first one's evidence for the `emotion`."""
    face, code = _one_face(generator, question), int(question["emotion"])
    judges = [load_judge(name) for name in question["judges"]]
    readings = {judge.name: judge.read(face)[0].softmax(1)[0].tolist() for judge in judges}
    of_face, of_grey = evidence(judges[0], face)
    shares = integrated_gradients(judges[0], face, torch.tensor([code]))[0]
    facts = {
        "readings": readings,
        "evidence": float(of_face[0, code]),
        "evidence_of_grey": float(of_grey[0, code]),
        "shares": np.round(shares.double().numpy(), 5).tolist(),
    }
    return FaceAnswer(face.numpy(), facts)


def nearest_to_one(generator: Generator, question: Question, tell: Tell) -> FaceAnswer:
    """Answer with one face and its nearest training faces, as `face_questions.nearest` does for several."""
    real_faces, labels = real_faces_for(question), torch.tensor(question["labels"])
    reading = read(real_faces.judge, Faces(_one_face(generator, question), labels))
    return neighbours_answer(nearest_training_faces(reading, real_faces), real_faces)


def transfer(generator: Generator, question: Question, tell: Tell) -> FaceAnswer:
    """Find a real face in the generator: answer with what it draws, and the face with each of its emotions.

    One that draws in steps does so with the question's `guidance`, there and back; with its own, if that is None. The
    judge's reading is computed and not looked up, so that nothing of a person's picture is kept.
    """
    if question["guidance"] is not None and isinstance(generator, Samplable):
        generator = generator.resampled(replace(generator.sampling, guidance=question["guidance"]))
    face = torch.tensor(question["face"], dtype=torch.uint8).reshape(48, 48)
    judge = load_judge(judges_for(question["dataset"]["name"])[0])
    codes = [emotion_code(name) for name in generator.emotions]
    read_in_face = judge.read(face[None])[0].softmax(1)[0]
    code = question["emotion"]
    if code is None:
        code = max(codes, key=lambda one: float(read_in_face[one]))
    found = find_faces(generator, face[None], torch.tensor([code]), on_progress=tell)
    facts = {
        "emotion": code,
        "reads_original": read_in_face.tolist(),
        "reads": judge.read(found.shown[0])[0].softmax(1).tolist(),
        "judge": judge.name,
        "difference": float(found.errors[0]),
        "candidate_difference": None if found.candidate_errors is None else float(found.candidate_errors[0]),
        "contrast": float(greys_apart(face[None], face.float().mean().expand(1, 48, 48))[0]),
    }
    return FaceAnswer(torch.cat([found.drawn[0, codes.index(code)][None], found.shown[0]]).numpy(), facts)


ANSWERS = {"seen": seen, "nearest_to_one": nearest_to_one, "transfer": transfer}


def _one_face(generator: Generator, question: Question) -> Tensor:
    """Draw the face at a place among those of a seed: uint8 [1,48,48]."""
    place = question["place"]
    latents = generator.latents(question["faces"], question["seed"])[place : place + 1]
    return to_bytes(generator.generate(latents, torch.tensor(question["labels"]))).cpu()
