"""genotool's family for expression matrices (CNN-for-transcriptome; Front Genet 2023, 10.3389/fgene.2023.1190887)."""
