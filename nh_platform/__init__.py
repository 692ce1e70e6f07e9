"""NeuroHorizon data platform: public Neuropixels releases as quality-controlled, versioned, ML-ready sessions."""
