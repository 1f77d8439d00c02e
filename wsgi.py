"""The door for a WSGI server: `granian --interface wsgi wsgi:app`."""

from api.app import create_app
from api.logs import set_up_logs
from api.service import build_service
from kernel.settings import load_settings

settings = load_settings()
set_up_logs(settings.log_format)
app = create_app(build_service(settings))
