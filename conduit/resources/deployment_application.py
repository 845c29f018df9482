"""The application of a deployment, read once for each load, whoever asks for it first."""

from __future__ import annotations

from msgspec.structs import replace

from conduit.compose.dialect import below
from conduit.compose.load import Loaded, load_file, load_inline
from conduit.dialect.compose_profile import FIELD
from conduit.errors import ConduitError, Diagnostic, LoadError
from conduit.look import Look, Written
from conduit.model import Key, Secret
from conduit.resources import deployment_dangers, deployment_limits
from conduit.resources.deployment_secrets import tokens_of
from conduit.resources.deployment_spec import DeploymentSpec
from conduit.spec import Resource


def application_of(resource: Resource[DeploymentSpec], look: Look) -> Loaded:
    """Return the application of a declared deployment. Raises `LoadError` with everything that is wrong with it."""
    kept = look.once(_applications)
    found = kept.get(resource.key)
    if found is None:
        try:
            found = _checked(resource, look)
        except ConduitError as error:
            written = look.written(resource.key)
            found = LoadError([told(problem, written) for problem in error.diagnostics])
        kept[resource.key] = found
    if isinstance(found, ConduitError):
        raise found
    return found


def _applications(_look: Look) -> dict[Key, Loaded | ConduitError]:
    return {}


def _checked(resource: Resource[DeploymentSpec], look: Look) -> Loaded:
    loaded = _load(resource, look)
    problems = [*deployment_dangers.refused(resource, loaded, look), *deployment_limits.refused(loaded)]
    if any(isinstance(value, Secret) for value in resource.spec.env.values()):
        problems += look.once(tokens_of).misplaced(loaded)
    if problems:
        raise LoadError(problems)
    return loaded


def _load(resource: Resource[DeploymentSpec], look: Look) -> Loaded:
    spec, name = resource.spec, resource.key.name
    written, tokens, read = look.written(resource.key), look.once(tokens_of), look.files.read
    env = {each: tokens.token(value) if isinstance(value, Secret) else value for each, value in spec.env.items()}
    if spec.file is not None:
        try:
            return load_file(written.directory / spec.file, env, name=name, profiles=spec.profiles, read=read)
        except LoadError as error:
            raise LoadError([_with_its_name(problem, written) for problem in error.diagnostics]) from error
    root = below(written.document, (*written.path, FIELD))
    return load_inline(root, written.directory, env, name=name, profiles=spec.profiles, read=read)


def _with_its_name(problem: Diagnostic, written: Written) -> Diagnostic:
    """Return a problem of a file as a whole with the place that names the file: there it is corrected."""
    if problem.source is None or problem.source.line:
        return problem
    return replace(problem, related=(*problem.related, ("named here", written.source("file"))))


def told(problem: Diagnostic, written: Written) -> Diagnostic:
    """Return a problem with its places as people know them."""
    related = tuple((words, written.near(source)) for words, source in problem.related)
    return replace(problem, source=problem.source and written.near(problem.source), related=related)
