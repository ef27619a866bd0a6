from flask import Blueprint

blueprint = Blueprint("filings", __name__)
