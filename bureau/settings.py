"""Every choice that differs between cities and machines comes from the environment.

README.md has the table of variables.
"""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from csp.constants import NONCE, NONE, SELF
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from bureau import env
from bureau.schedule import SCHEDULE

# Lets forms and admins name their model: `ModelForm[User]`.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where we run ------------------------------------------------------------------
DEBUG = env.flag("BUREAU_DEBUG", default=False)
DEMO = env.flag("BUREAU_DEMO", default=False)
SECRET_KEY = env.text("BUREAU_SECRET_KEY")
SEAL_KEYS = env.words("BUREAU_SEAL_KEYS")
FINGERPRINT_KEY = env.text("BUREAU_FINGERPRINT_KEY")
ALLOWED_HOSTS = env.words("BUREAU_ALLOWED_HOSTS", "localhost,127.0.0.1")
PUBLIC_URL = env.text("BUREAU_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
BEHIND_TLS = PUBLIC_URL.startswith("https://")
PROXIES = env.number("BUREAU_PROXIES", 0)

# --- The bureau --------------------------------------------------------------------
CITY_NAME = env.text("BUREAU_CITY_NAME", "济宁")
SITE_NAME = env.text("BUREAU_SITE_NAME", "济宁体育")
BUREAU_NAME = env.text("BUREAU_NAME", "济宁市体育局")
HOTLINE = env.text("BUREAU_HOTLINE", "12345")
ICP_NUMBER = env.text("BUREAU_ICP_NUMBER", "")
POLICE_NUMBER = env.text("BUREAU_POLICE_NUMBER", "")
SITE_IDENTIFIER = env.text("BUREAU_SITE_IDENTIFIER", "")

# --- Django ------------------------------------------------------------------------
ROOT_URLCONF = "bureau.urls"
WSGI_APPLICATION = "bureau.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
# Debian 12 has GDAL 3.6, which cannot be kept from files and the network. We never open
# a file or an address with it; it reads single geometries as WKB or GeoJSON, no more.
SILENCED_SYSTEM_CHECKS = ["gis.W001"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "bureau.portal",
    "bureau.payments",
    "bureau.notices",
    "bureau.photos",
    "bureau.workdays",
    "bureau.draws",
    "bureau.regions",
    "bureau.audit",
    "bureau.accounts",
    "bureau.common",
    "venues",
    "equipment",
    "events",
    "vouchers",
    "safety",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.gis",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",  # its widgets, for FORM_RENDERER
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "knox",
    "leaflet",
    "rest_framework",
]
# Counts of requests for Prometheus, each process in a file of its own below this folder
# (prometheus_client reads the variable when it is imported).
METRICS_TOKEN = env.text("BUREAU_METRICS_TOKEN", "")
if METRICS_TOKEN:
    _counts = Path(tempfile.gettempdir(), f"bureau-metrics-{os.getppid()}")
    _counts.mkdir(mode=0o700, exist_ok=True)  # one for the workers of one server
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_counts))

MIDDLEWARE = [
    "vouchers.middleware.ClaimLane",  # before all others: docs/adr/0013
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bureau.common.http.RequestContext",
    "bureau.portal.middleware.RequestMetrics",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "bureau.portal.middleware.LooserPolicy",
    "bureau.portal.middleware.ReadingPreferences",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Behind what every answer needs, before what it does itself: docs/adr/0016.
    "venues.middleware.BookingLane",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "bureau.portal.middleware.BodyLimit",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "bureau.accounts.middleware.StaffSecondFactor",
    "bureau.accounts.middleware.AuditorsOnlyRead",
    "django_htmx.middleware.HtmxMiddleware",
    "bureau.portal.middleware.BackToTheForm",
    "bureau.portal.middleware.WrongMethod",
    "bureau.portal.middleware.Unavailable",
    "bureau.portal.middleware.UnreadableAddress",
]
TEMPLATE_OPTIONS: dict[str, Any] = {
    "context_processors": [
        "django.template.context_processors.request",
        "django.template.context_processors.i18n",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
        "bureau.portal.context.portal",
    ],
    "builtins": ["bureau.common.templatetags.components"],
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": TEMPLATE_OPTIONS,
    },
]
FORM_RENDERER = "bureau.common.forms.ComponentRenderer"

# --- Data --------------------------------------------------------------------------
DATABASES = {
    "default": {
        **dj_database_url.parse(
            env.text("DATABASE_URL", "postgis://bureau@localhost/bureau")
        ),
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "CONN_MAX_AGE": env.number("BUREAU_DB_CONN_MAX_AGE", 600),
        "CONN_HEALTH_CHECKS": True,
    },
}
_REDIS = "redis://localhost:6379"
CACHES = {
    "default": {
        "BACKEND": "bureau.common.cache.Redis",
        "LOCATION": env.redis_url("REDIS_URL", _REDIS, database=1),
        "KEY_PREFIX": "bureau",
    },
}
SESSION_ENGINE = "bureau.common.sessions"
SESSION_COOKIE_NAME = "bureau_session"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30

# --- Language and time -------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "bureau.formats"
LANGUAGE_COOKIE_NAME = "lang"
LANGUAGE_COOKIE_AGE = 60 * 60 * 24 * 365

# --- Files -------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.text("BUREAU_STATIC_ROOT", str(BASE_DIR / ".local" / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = env.text("BUREAU_MEDIA_ROOT", str(BASE_DIR / ".local" / "media"))
MEDIA_URL = "/media/"
STORAGES = {
    "default": {
        "BACKEND": env.text(
            "BUREAU_FILE_STORAGE", "django.core.files.storage.FileSystemStorage"
        ),
    },
    "staticfiles": {"BACKEND": "bureau.common.staticfiles.BundledStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOAD_MAX_BYTES = 16 * 1024 * 1024  # a whole form with its files

# --- Signing in (bureau/accounts) --------------------------------------------------
AUTHENTICATION_BACKENDS = ["bureau.accounts.adapter.Backend"]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/me/"
STAFF_MFA_REQUIRED = env.flag("BUREAU_STAFF_MFA_REQUIRED", default=not DEMO)
IDENTITY_PROVIDER = env.text("BUREAU_IDENTITY_PROVIDER", "format")
# A demonstration signs the same few people in all day, and sends no real message.
LOGIN_CODES_PER_DAY = env.number("BUREAU_LOGIN_CODES_PER_DAY", 1000 if DEMO else 10)
CONSENT_VERSION = env.text("BUREAU_CONSENT_VERSION", "2026-01")
ACCOUNT_ADAPTER = "bureau.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}  # citizens' door: docs/adr/0003-signing-in.md
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    # Ten wrong passwords lock a name for a quarter of an hour; the network limit is
    # wide, because a whole office stands behind one address.
    "login_failed": "60/m/ip,10/15m/key",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "bureau.accounts.adapter.SecondFactorAdapter"
MFA_TOTP_ISSUER = SITE_NAME
# A telephone's clock may be half a minute off: the code before and the one after count,
# each of them once (accounts/actions/second_factor.py).
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "activate_totp": "bureau.accounts.forms.ActivateFactorForm",
    "authenticate": "bureau.accounts.forms.FactorForm",
    "reauthenticate": "bureau.accounts.forms.FactorAgainForm",
}
KNOX_TOKEN_MODEL = "accounts.Token"  # noqa: S105 - the name of a table
# knox's own table is not ours: its migrations would make it beside accounts_token.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"TOKEN_TTL": timedelta(days=90), "AUTO_REFRESH": True}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- Security ----------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.number("BUREAU_HSTS_SECONDS", 31536000 if BEHIND_TLS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_TLS
SECURE_HSTS_PRELOAD = BEHIND_TLS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "bureau.portal.failures.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "blob:", *env.words("BUREAU_MAP_TILE_ORIGINS")],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- API ---------------------------------------------------------------------------
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "bureau.common.api_errors.handle",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "bureau.accounts.adapter.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["bureau.common.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "bureau.common.pagination.NewestFirst",
    "PAGE_SIZE": 50,
    # What `?version=` of the schema may say; it goes into a header there.
    "ALLOWED_VERSIONS": ["1"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sports bureau portal",
    "DESCRIPTION": "Everything a person can do in the browser, for the mini-program.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # One name per set of choices, wherever it is used.
    "ENUM_NAME_OVERRIDES": {
        "SportEnum": "bureau.common.sports.Sport",
        "AppealStateEnum": "venues.models.Appeal.State",
        "ConductReasonEnum": "venues.models.ConductPoint.Reason",
        "BookingStateEnum": "venues.models.Booking.State",
        "WaitingStateEnum": "venues.models.WaitingEntry.State",
        "LineStateEnum": "venues.models.BookingLine.State",
        "ChangeStateEnum": "venues.models.BookingChange.State",
        "PassStateEnum": "venues.models.EntryPass.State",
        "SlotStateEnum": "venues.serializers.days.SLOT_STATES",
        "PaymentStateEnum": "bureau.payments.models.Payment.State",
        "DrawStateEnum": "bureau.draws.models.Draw.State",
        "BallotStateEnum": "venues.models.Ballot.State",
        "SeasonStateEnum": "venues.models.Season.State",
        "SeasonRequestStateEnum": "venues.serializers.seasons.REQUEST_STATES",
        "InvoiceStateEnum": "venues.models.Invoice.State",
        "ProviderNameEnum": "bureau.payments.models.ProviderName",
        "VoucherStateEnum": "vouchers.models.Voucher.State",
        "VoucherWayEnum": "vouchers.models.Voucher.Way",
        "VoucherRoundWayEnum": "vouchers.models.Round.Way",
        "VoucherRoundPhaseEnum": "vouchers.queries.offers.Phase",
        "VoucherStageEnum": "vouchers.queries.standing.Stage",
    },
}

# --- Work in the background --------------------------------------------------------
CELERY_BROKER_URL = env.broker_url("REDIS_URL", _REDIS, database=0)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# --- Payments (bureau/payments) ----------------------------------------------------
PAYMENT_PROVIDERS = env.words("BUREAU_PAYMENT_PROVIDERS", "sandbox" if DEMO else "")
PAYMENT_NOTIFY_URL = env.text("BUREAU_PAYMENT_NOTIFY_URL", PUBLIC_URL)
SANDBOX_KEY = env.text("BUREAU_SANDBOX_KEY", "sandbox-only")
WECHAT_GATEWAY = env.text("BUREAU_WECHAT_GATEWAY", "https://api.mch.weixin.qq.com")
WECHAT_APP_ID = env.text("BUREAU_WECHAT_APP_ID", "")
WECHAT_MERCHANT_ID = env.text("BUREAU_WECHAT_MERCHANT_ID", "")
WECHAT_CERTIFICATE_SERIAL = env.text("BUREAU_WECHAT_CERTIFICATE_SERIAL", "")
WECHAT_PRIVATE_KEY = env.text("BUREAU_WECHAT_PRIVATE_KEY", "")
WECHAT_APIV3_KEY = env.text("BUREAU_WECHAT_APIV3_KEY", "")
WECHAT_PLATFORM_KEY = env.text("BUREAU_WECHAT_PLATFORM_KEY", "")
WECHAT_PLATFORM_KEY_ID = env.text("BUREAU_WECHAT_PLATFORM_KEY_ID", "")
ALIPAY_GATEWAY = env.text(
    "BUREAU_ALIPAY_GATEWAY", "https://openapi.alipay.com/gateway.do"
)
ALIPAY_APP_ID = env.text("BUREAU_ALIPAY_APP_ID", "")
ALIPAY_PRIVATE_KEY = env.text("BUREAU_ALIPAY_PRIVATE_KEY", "")
ALIPAY_PUBLIC_KEY = env.text("BUREAU_ALIPAY_PUBLIC_KEY", "")

# --- Messages (bureau/notices) -----------------------------------------------------
SMS_SENDER = env.text("BUREAU_SMS_SENDER", "page" if DEMO else "console")
SMS_SIGN_NAME = env.text("BUREAU_SMS_SIGN_NAME", SITE_NAME)
# Our template names and Aliyun's codes for them: `login_code=SMS_123,refund=SMS_456`.
SMS_TEMPLATES = dict(
    pair.split("=", 1) for pair in env.words("BUREAU_SMS_TEMPLATES") if "=" in pair
)
ALIYUN_ACCESS_KEY_ID = env.text("BUREAU_ALIYUN_ACCESS_KEY_ID", "")
ALIYUN_ACCESS_KEY_SECRET = env.text("BUREAU_ALIYUN_ACCESS_KEY_SECRET", "")
EMAIL_BACKEND = env.text(
    "BUREAU_EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend"
)
DEFAULT_FROM_EMAIL = env.text("BUREAU_FROM_EMAIL", "no-reply@localhost")

# --- Draws (bureau/draws) ----------------------------------------------------------
# Such as https://api.drand.sh/<chain hash>; empty: drand is not asked by the portal.
DRAND_URL = env.text("BUREAU_DRAND_URL", "").rstrip("/")

# --- Exports of the gates' hours (venues/clients/exports.py) ------------------------
# "file", "http" or the dotted path of a class of one's own; empty: off.
EXPORT_ADAPTER = env.text("BUREAU_EXPORT_ADAPTER", "file" if DEMO else "")
EXPORT_DIR = env.text("BUREAU_EXPORT_DIR", str(BASE_DIR / ".local" / "exports"))
EXPORT_FLOW_URL = env.text("BUREAU_EXPORT_FLOW_URL", "")
EXPORT_CHECK_IN_URL = env.text("BUREAU_EXPORT_CHECK_IN_URL", "")
EXPORT_TOKEN = env.text("BUREAU_EXPORT_TOKEN", "")
EXPORT_DAYS = env.number("BUREAU_EXPORT_DAYS", 7)

# --- Map ---------------------------------------------------------------------------
LEAFLET_CONFIG = {
    "DEFAULT_CENTER": (35.40, 116.60),
    "DEFAULT_ZOOM": 9,
    "MIN_ZOOM": 7,
    "MAX_ZOOM": 18,
    "TILES": [],
    "ATTRIBUTION_PREFIX": False,
    "RESET_VIEW": False,
}
MAP_TILES_URL = env.text("BUREAU_MAP_TILES_URL", "")

# --- Staff pages -------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": _("Sports bureau"),
    "SITE_HEADER": _("Sports bureau"),
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "bureau.portal.staff.dashboard",
    "STYLES": ["bureau.portal.staff.stylesheet"],
    "SIDEBAR": {
        "show_search": True,
        "navigation": "bureau.portal.staff.navigation",
    },
    "COLORS": {
        "primary": {
            "50": "#eef7f2",
            "100": "#d5ebe0",
            "200": "#aed8c4",
            "300": "#7cbea0",
            "400": "#489e7a",
            "500": "#1b8462",
            "600": "#0f6b4f",
            "700": "#0f5a45",
            "800": "#0b4636",
            "900": "#06352a",
            "950": "#03211a",
        },
    },
}

# A cell that begins with "=" must not run in the spreadsheet of whoever opens it.
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True

# --- Logs --------------------------------------------------------------------------
_LOG_LEVEL = env.text("BUREAU_LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "bureau.common.http.RequestLogFilter"}},
    "formatters": {"line": {"()": "bureau.common.http.JsonFormatter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["request"],
            "formatter": "line",
        },
    },
    "root": {"handlers": ["stderr"], "level": _LOG_LEVEL},
    # Django gives its own a level, which would stand before ours.
    "loggers": {"django": {"level": _LOG_LEVEL}},
}
