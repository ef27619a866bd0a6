from flask import Blueprint

blueprint = Blueprint("streams", __name__)
