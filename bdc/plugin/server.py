"""The resource-provider service that Pulumi's engine calls; each call does its one thing with the modules beside this one."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from bdc.errors import BdcError
from bdc.kube import ApiConflictError, ApiError, ApiForbiddenError, ApiNotFoundError, UnknownKindError
from bdc.plugin import apply
from bdc.plugin.codec import conceal, has_unknown, plain, to_python, to_struct
from bdc.plugin.defaults import complete
from bdc.plugin.diffing import compare
from bdc.plugin.kinds import annotation, kind_of, object_id
from bdc.plugin.lifecycle import Lifecycle, Request
from bdc.plugin.readiness import NotLiveError, Waiter
from bdc.plugin.wording import write

_INVISIBLE_IN_PREVIEW = (ApiForbiddenError, ApiNotFoundError, ApiConflictError)
Method = Callable[[Any, Request, Any], Any]


class Context(Protocol):
    """What of gRPC's context is used."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn: ...  # noqa: D102
    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None: ...  # noqa: D102


def _answering(method: Method) -> Method:
    """Turn bdc's errors into the gRPC errors that the engine shows."""

    @functools.wraps(method)
    def answer(self: Provider, request: Request, context: Context) -> Any:
        try:
            return method(self, request, context)
        except BdcError as error:
            context.abort(grpc.StatusCode.UNKNOWN, write(error.message, error.hint, error.exit_code))

    return answer


class Provider(Lifecycle):
    """One process per Provider resource; calls come in parallel."""

    @_answering
    def Check(self, request: Request, _context: Context) -> Any:  # noqa: N802
        """Complete the inputs."""
        news, olds = to_python(request.news), to_python(request.olds)
        seed = bytes(request.randomSeed) or os.urandom(16)
        obj = complete(request.type, request.name, news, olds, seed=seed, namespace=self._namespace)
        return provider_pb2.CheckResponse(inputs=to_struct(conceal(obj, news)))

    @_answering
    def Diff(self, request: Request, _context: Context) -> Any:  # noqa: N802
        """Say what would change."""
        old_state = to_python(request.olds)
        old = plain(to_python(request.old_inputs)) or apply.body(old_state.get("__inputs", {}))
        new = plain(to_python(request.news))
        verdict = compare(request.type, old, new, apply.body(old_state), request.ignoreChanges)
        kinds = provider_pb2.PropertyDiff.Kind
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if verdict.changed else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=verdict.replacing,
            deleteBeforeReplace=verdict.delete_first,
            diffs=verdict.fields,
            hasDetailedDiff=True,
            detailedDiff={
                path: provider_pb2.PropertyDiff(kind=kinds.Value(f"{how}_REPLACE" if path in verdict.replacing else how), inputDiff=True)
                for path, how in verdict.changed.items()
            },
        )

    @_answering
    def Create(self, request: Request, context: Context) -> Any:  # noqa: N802
        """Make the object and wait until it is ready; in a preview, ask the server what it would be."""
        inputs = to_python(request.properties)
        obj, manager = plain(inputs), apply.field_manager(request.urn)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(self._preview_create(obj, inputs, manager)))
        live = self._writer().create(obj, manager, dry_run=False)
        live = self._settled(live, inputs, manager, request, context)
        return provider_pb2.CreateResponse(id=object_id(live), properties=to_struct(apply.state(live, inputs, manager)))

    def _preview_create(self, obj: apply.Object, inputs: apply.Object, manager: str) -> apply.Object:
        if has_unknown(obj) or self._kube is None:
            return apply.previewed(obj, inputs)
        try:
            return apply.previewed(self._writer().create(obj, manager, dry_run=True), inputs)
        except UnknownKindError:
            return apply.previewed(obj, inputs)
        except _INVISIBLE_IN_PREVIEW:  # its namespace is not there yet, or it replaces the one that is
            return apply.previewed(obj, inputs)
        except ApiError as error:
            if error.reason == "Invalid" and self._is_there(obj):  # it replaces one that can't change, such as a Job
                return apply.previewed(obj, inputs)
            raise

    def _is_there(self, obj: apply.Object) -> bool:
        try:
            return bool(self._connected().get(obj))
        except ApiNotFoundError:
            return False

    @_answering
    def Update(self, request: Request, context: Context) -> Any:  # noqa: N802
        """Change the object and wait until it is ready; in a preview, ask the server what it would be."""
        inputs, old_state = to_python(request.news), to_python(request.olds)
        obj = plain(inputs)
        manager = plain(old_state).get("__fieldManager") or apply.field_manager(request.urn)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=to_struct(self._preview_update(obj, inputs, manager)))
        live = self._writer().update(obj, manager, dry_run=False)
        live = self._settled(live, inputs, manager, request, context)
        return provider_pb2.UpdateResponse(properties=to_struct(apply.state(live, inputs, manager)))

    def _preview_update(self, obj: apply.Object, inputs: apply.Object, manager: str) -> apply.Object:
        if has_unknown(obj) or self._kube is None:
            return inputs
        try:
            return apply.state(self._writer().update(obj, manager, dry_run=True), inputs, manager)
        except _INVISIBLE_IN_PREVIEW:
            return inputs

    @_answering
    def Read(self, request: Request, context: Context) -> Any:  # noqa: N802
        """The object as it is now; an answer without id when it is gone."""
        old_state, inputs = to_python(request.properties), to_python(request.inputs)
        known, declared = apply.body(old_state), apply.body(inputs)
        if not known.get("kind"):  # an import, or .get(): only the id is known
            api_version, kind = kind_of(request.type)
            namespace, _, name = request.id.rpartition("/")
            known = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name} | ({"namespace": namespace} if namespace else {})}
        try:
            live = self._connected().get(known)
        except (ApiNotFoundError, UnknownKindError):
            return provider_pb2.ReadResponse()
        seen = apply.observed(live, declared) if declared else apply.as_inputs(live)
        wrapped = conceal(seen, inputs)
        manager = plain(old_state).get("__fieldManager") or apply.field_manager(request.urn)
        if declared and (missing := Waiter(self._connected(), self._stopped).missing(live, declared)):
            # Else a run after a failed one would see nothing to do, and call a part ready that isn't.
            return self._unsettled(live, wrapped, manager, f"{live['kind']} {object_id(live)} is not ready: {missing}", context)
        return provider_pb2.ReadResponse(
            id=request.id or object_id(live),
            properties=to_struct(apply.state(live, wrapped, manager)),
            inputs=to_struct(wrapped),
        )

    @_answering
    def Delete(self, request: Request, _context: Context) -> Any:  # noqa: N802
        """Delete the object and what it owns, and wait until it is gone."""
        old_state = to_python(request.properties)
        obj, kube = apply.body(old_state), self._connected()
        declared = apply.body(old_state.get("__inputs") or {})
        policy = annotation(declared, "deletionPropagationPolicy").capitalize() or "Foreground"
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        try:
            kube.request("DELETE", kube.path(obj), options)
        except (ApiNotFoundError, UnknownKindError):
            return empty_pb2.Empty()
        if annotation(declared, "skipAwait") != "true":
            seconds = request.timeout or float(annotation(declared, "timeoutSeconds") or 0)
            Waiter(kube, self._stopped).until_gone(obj, seconds)
        return empty_pb2.Empty()

    def _settled(self, live: apply.Object, inputs: apply.Object, manager: str, request: Request, context: Context) -> apply.Object:
        """The object once ready; else the call fails, yet tells the engine what it made, so that nothing is lost."""
        try:
            return Waiter(self._connected(), self._stopped).until_ready(
                live, plain(inputs), request.timeout, lambda what: self._log.status(request.urn, f"waiting for {what}")
            )
        except NotLiveError as error:
            failed, message = error.obj, error.text
        except BdcError as error:
            failed, message = live, write(error.message, error.hint, error.exit_code)
        return self._unsettled(failed, inputs, manager, message, context)

    @staticmethod
    def _unsettled(obj: apply.Object, inputs: apply.Object, manager: str, message: str, context: Context) -> NoReturn:
        """Fail the call with what there is in the details, as the protocol has it for an object that isn't ready."""
        detail = provider_pb2.ErrorResourceInitFailed(id=object_id(obj), reasons=[message])
        detail.properties.CopyFrom(to_struct(apply.state(obj, inputs, manager)))
        detail.inputs.CopyFrom(to_struct(inputs))
        packed = any_pb2.Any()
        packed.Pack(detail)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message, details=[packed])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, message)
