from pipelines.training.base.command import main

if __name__ == "__main__":  # spawned processes import this module too
    main()
