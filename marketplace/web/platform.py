from flask import Blueprint

blueprint = Blueprint("platform", __name__)
