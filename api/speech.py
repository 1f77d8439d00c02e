"""The language of the present request."""

from flask import request

from api.messages import Language, language


def spoken() -> Language:
    """Chinese or English, by Accept-Language."""
    return language(request.headers.get("Accept-Language"))
