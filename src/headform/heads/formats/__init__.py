"""heads/formats"""
