#!/usr/bin/env python3
"""Messages of KMIP 1.4 as PyKMIP writes them: an oracle for requests that we write and answers that we read.

usage: /usr/bin/python3 pykmip_oracle.py      (Debian: python3-pykmip)

Prints a line for each message: its name and its bytes in hexadecimal digits. Requests are for the key "id-1", named "kek",
from a client whose random bytes are all 0x55.
"""
from kmip.core import enums, objects, primitives, utils
from kmip.core.attributes import CryptographicParameters, Name
from kmip.core.factories.attributes import AttributeFactory
from kmip.core.messages import contents, messages, payloads

VERSION = enums.KMIPVersion.KMIP_1_4
Operation, Type, Mode = enums.Operation, enums.AttributeType, enums.BlockCipherMode
AES = enums.CryptographicAlgorithm.AES
ATTRIBUTES = ["State", "Cryptographic Algorithm", "Cryptographic Length", "Cryptographic Usage Mask",
              "Activation Date", "Initial Date", "Link"]
VOLUME = bytes.fromhex("0123456789abcdef0123456789abcdef")
COUNT = bytes(range(32))


def random(count):
    return bytes([0x55]) * count


def attribute(kind, value):
    return AttributeFactory().create_attribute(kind, value)


def show(name, message):
    stream = utils.BytearrayStream()
    message.write(stream, VERSION)
    print(name, stream.buffer.hex())


def request(name, operation, payload, authentication=None):
    header = messages.RequestHeader(
        protocol_version=contents.ProtocolVersion(1, 4), maximum_response_size=contents.MaximumResponseSize(65536),
        authentication=authentication, batch_count=contents.BatchCount(1))
    item = messages.RequestBatchItem(
        operation=primitives.Enumeration(Operation, operation, enums.Tags.OPERATION), request_payload=payload)
    show("request-" + name, messages.RequestMessage(header, [item]))


def response(name, operation, payload, reason=None, words=None):
    header = messages.ResponseHeader(
        protocol_version=contents.ProtocolVersion(1, 4), time_stamp=contents.TimeStamp(1800000001),
        batch_count=contents.BatchCount(1))
    status = enums.ResultStatus.OPERATION_FAILED if reason else enums.ResultStatus.SUCCESS
    item = messages.ResponseBatchItem(
        operation=contents.Operation(operation) if operation else None, result_status=contents.ResultStatus(status),
        result_reason=contents.ResultReason(reason) if reason else None,
        result_message=contents.ResultMessage(words) if words else None, response_payload=payload)
    show("response-" + name, messages.ResponseMessage(header, [item]))


def cipher(mode, iv, aad=None, tag=None, **more):
    parameters = CryptographicParameters(block_cipher_mode=mode, cryptographic_algorithm=AES, **more)
    name = mode.name.lower()
    request("encrypt-" + name, Operation.ENCRYPT, payloads.EncryptRequestPayload(
        unique_identifier="id-1", cryptographic_parameters=parameters, data=random(32), iv_counter_nonce=random(iv),
        auth_additional_data=aad))
    request("decrypt-" + name, Operation.DECRYPT, payloads.DecryptRequestPayload(
        unique_identifier="id-1", cryptographic_parameters=parameters, data=COUNT, iv_counter_nonce=random(iv),
        auth_additional_data=aad, auth_tag=tag))


request("discover-versions", Operation.DISCOVER_VERSIONS, payloads.DiscoverVersionsRequestPayload())
request("with-password", Operation.DISCOVER_VERSIONS, payloads.DiscoverVersionsRequestPayload(),
        contents.Authentication(credentials=[objects.Credential(
            credential_type=enums.CredentialType.USERNAME_AND_PASSWORD,
            credential_value=objects.UsernamePasswordCredential(username="volumes", password="tangerine"))]))
request("locate", Operation.LOCATE, payloads.LocateRequestPayload(maximum_items=33, attributes=[
    attribute(Type.NAME, Name.create("kek", enums.NameType.UNINTERPRETED_TEXT_STRING)),
    attribute(Type.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY),
    attribute(Type.STATE, enums.State.ACTIVE)]))
request("get-attributes", Operation.GET_ATTRIBUTES, payloads.GetAttributesRequestPayload(
    unique_identifier="id-1", attribute_names=ATTRIBUTES))
cipher(Mode.GCM, 12, aad=b"blockseal/v1/kek/kmip" + VOLUME, tag=COUNT[:16], tag_length=16)
cipher(Mode.CBC, 16, padding_method=enums.PaddingMethod.NONE)
cipher(Mode.CTR, 16)

response("discover-versions", Operation.DISCOVER_VERSIONS, payloads.DiscoverVersionsResponsePayload(
    [contents.ProtocolVersion(2, 0), contents.ProtocolVersion(1, 4), contents.ProtocolVersion(1, 2)]))
response("locate", Operation.LOCATE, payloads.LocateResponsePayload(
    located_items=2, unique_identifiers=["id-1", "id-2"]))
response("get-attributes", Operation.GET_ATTRIBUTES, payloads.GetAttributesResponsePayload("id-1", [
    attribute(Type.STATE, enums.State.DEACTIVATED),
    attribute(Type.CRYPTOGRAPHIC_ALGORITHM, AES),
    attribute(Type.CRYPTOGRAPHIC_LENGTH, 256),
    attribute(Type.CRYPTOGRAPHIC_USAGE_MASK,
              [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]),
    attribute(Type.INITIAL_DATE, 1205495800)]))
response("encrypt-gcm", Operation.ENCRYPT, payloads.EncryptResponsePayload(
    unique_identifier="id-1", data=COUNT, auth_tag=COUNT[:16]))
response("decrypt", Operation.DECRYPT, payloads.DecryptResponsePayload(unique_identifier="id-1", data=random(32)))
response("denied", Operation.DECRYPT, None, enums.ResultReason.PERMISSION_DENIED, "Could not locate object: id-1")
response("not-understood", None, None, enums.ResultReason.INVALID_MESSAGE, "no")
