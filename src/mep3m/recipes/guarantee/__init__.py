"""Make a promise of precision from audited rows, test one on new rows, and say what more rows would buy."""

from mep3m.recipes.guarantee.check import check_promise
from mep3m.recipes.guarantee.make import make_promise
from mep3m.recipes.guarantee.plan import plan_audit
from mep3m.recipes.guarantee.target import Target

__all__ = ["Target", "check_promise", "make_promise", "plan_audit"]
