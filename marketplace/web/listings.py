from flask import Blueprint

blueprint = Blueprint("listings", __name__)
