from flask import Blueprint

blueprint = Blueprint("sites", __name__)
