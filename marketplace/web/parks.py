from flask import Blueprint

blueprint = Blueprint("parks", __name__)
