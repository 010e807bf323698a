"""`admin credentials` and `admin payment-secret`."""

from base64 import b64encode

import typer

from core.cluster_secret import load_secret
from core.settings import Settings
from core.zookeeper.kazoo_adapter import IDENTITY


def show(settings: Settings) -> None:
    secret = load_secret(settings.data_dir)
    typer.echo(f"addauth digest {IDENTITY}:{secret.zookeeper_password}")
    typer.echo(f"Authorization: Bearer {secret.operator_token}")


def show_payment_secret(settings: Settings) -> None:
    secret = load_secret(settings.data_dir)
    typer.echo(f"whsec_{b64encode(secret.payment_key).decode()}")
