"""Networks, features, label trees and classifiers."""
